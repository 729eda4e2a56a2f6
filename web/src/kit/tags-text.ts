/** Tags as lines of text that a person edits. Pure. */
import { byName } from './by-name.ts';

const OWN = /^(mlflow|millrace)\./;

/** One `key: value` a line, in the order of the keys; tags that programs keep are left out. */
export function tagsText(tags: Readonly<Record<string, string>>): string {
  return Object.entries(tags)
    .filter(([key]) => !OWN.test(key))
    .toSorted(([a], [b]) => byName(a, b))
    .map(([key, value]) => `${key}: ${value}`)
    .join('\n');
}

/** What has to change so that the tags are as written; null takes a tag away. A line without a colon is an empty tag. */
export function tagChanges(
  before: Readonly<Record<string, string>>,
  text: string,
): Readonly<Record<string, string | null>> {
  const after = new Map<string, string>();
  for (const line of text.split('\n')) {
    const at = line.indexOf(':');
    const key = (at < 0 ? line : line.slice(0, at)).trim();
    if (key !== '' && !OWN.test(key)) after.set(key, at < 0 ? '' : line.slice(at + 1).trim());
  }
  const gone = Object.keys(before).filter((key) => !OWN.test(key) && !after.has(key));
  const set = [...after].filter(([key, value]) => before[key] !== value);
  return Object.fromEntries([...set, ...gone.map((key) => [key, null] as const)]);
}

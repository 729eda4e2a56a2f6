import { metricStats } from './expression.ts';
import type { NamePart } from './lexer.ts';
import { listedNames } from './names.ts';

/** Which keys of metrics, params and tags are wanted: all of a kind, or a set of them. */
export interface FieldMask {
  readonly metrics: 'all' | ReadonlySet<string>;
  readonly params: 'all' | ReadonlySet<string>;
  readonly tags: 'all' | ReadonlySet<string>;
}

const kinds: Readonly<Record<string, keyof FieldMask>> = {
  metric: 'metrics',
  metrics: 'metrics',
  param: 'params',
  params: 'params',
  parameter: 'params',
  parameters: 'params',
  tag: 'tags',
  tags: 'tags',
};

function joined(parts: readonly NamePart[]): string {
  return parts.map((part) => part.text).join('.');
}

/** The keys that a metric with or without a statistic may mean: `loss.min` is a key or the minimum of one. */
function metricKeys(parts: readonly NamePart[]): readonly string[] {
  const last = parts.at(-1);
  const hasStat =
    parts.length > 1 && last && !last.isQuoted && (metricStats as readonly string[]).includes(last.text);
  if (!hasStat) return [joined(parts)];
  const key = joined(parts.slice(0, -1));
  return parts[0]?.isQuoted ? [key] : [joined(parts), key];
}

/**
 * Reads a list such as `` metrics.loss, params.`learning rate`, tags, name ``. Names of the thing's own fields
 * ask for nothing more, since those are always given; `metrics.loss.min` asks for the summary of `loss`. Throws
 * `filter_invalid` at what is no list of names.
 */
export function parseFields(text: string | undefined): FieldMask {
  if (text === undefined) return { metrics: 'all', params: 'all', tags: 'all' };
  const mask = { metrics: new Set<string>(), params: new Set<string>(), tags: new Set<string>() };
  const all = new Set<keyof FieldMask>();
  for (const { parts } of listedNames(text)) {
    const [first, ...rest] = parts;
    const kind = first && Object.hasOwn(kinds, first.text) ? kinds[first.text] : undefined;
    if (!kind) continue;
    if (rest.length === 0) all.add(kind);
    for (const key of kind === 'metrics' ? metricKeys(rest) : [joined(rest)]) mask[kind].add(key);
  }
  const given = (kind: keyof FieldMask) => (all.has(kind) ? ('all' as const) : mask[kind]);
  return { metrics: given('metrics'), params: given('params'), tags: given('tags') };
}

import type { z } from 'zod';
import { fail } from './errors.ts';
import { describeIssue, quoted } from './issue-text.ts';

/** The path of an issue as people write it: `inputs[0].name`. */
export function pathText(path: readonly PropertyKey[]): string {
  let text = '';
  for (const part of path)
    text += typeof part === 'number' ? `[${part}]` : text ? `.${String(part)}` : String(part);
  return text;
}

type Issue = z.core.$ZodIssue;

/**
 * The issue to tell people of: of a value that fits none of several shapes, the complaint of the shape that it
 * comes closest to, since "invalid input" names neither field nor expectation.
 */
function clearest(issue: Issue): Issue {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return issue;
  const depth = (issues: readonly Issue[]) =>
    Math.max(...issues.map((i) => i.path.length)) * 100 - issues.length;
  const branch = [...issue.errors].sort((a, b) => depth(b) - depth(a))[0]?.[0];
  if (!branch) return issue;
  const inner = clearest(branch);
  return { ...inner, path: [...issue.path, ...inner.path] };
}

/** The issue of a refusal that is worth telling, where there is room for one. */
export function clearestIssue(error: z.ZodError): Pick<Issue, 'path' | 'message'> {
  const [first] = error.issues;
  return first ? clearest(first) : { path: [], message: 'is invalid' };
}

/** Complaints about a value of the caller's, which is worth showing; others are about what is not there, or keys. */
const aboutValue: ReadonlySet<string> = new Set([
  'invalid_type',
  'invalid_value',
  'invalid_format',
  'invalid_union',
  'too_small',
  'too_big',
  'not_multiple_of',
]);

function problemText({ code, path, message }: Issue, root: unknown): string {
  const value = valueAt(root, path);
  const isLength = Array.isArray(value) && (code === 'too_small' || code === 'too_big');
  const about = code !== undefined && aboutValue.has(code);
  const shown = about ? (isLength ? String(value.length) : quoted(value)) : null;
  return shown === null || (!isLength && message.includes(shown)) ? message : `${message}, not ${shown}`;
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let at = root;
  for (const key of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined;
    at = Reflect.get(at, key);
  }
  return at;
}

/**
 * Parses a value from outside by a schema. Throws `invalid_input` that names the first wrong field, its value
 * and what was expected; all wrong fields are in the error's `issues` parameter.
 *
 * @param where what is parsed ("body", "query", "job result"); stands before the field's path
 */
export function parseInput<S extends z.ZodType>(schema: S, value: unknown, where = 'body'): z.output<S> {
  const result = schema.safeParse(value, { error: describeIssue });
  if (result.success) return result.data;
  const issues = result.error.issues.map((issue) => {
    const told = clearest(issue);
    const field = pathText(told.path);
    return { field: field ? `${where}.${field}` : where, problem: problemText(told, value) };
  });
  throw fail('invalid_input', { ...(issues[0] ?? { field: where, problem: 'is invalid' }), issues });
}

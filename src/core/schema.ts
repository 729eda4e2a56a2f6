import type { z } from 'zod';
import { fail } from './errors.ts';

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
function clearest(issue: Issue): Pick<Issue, 'path' | 'message'> {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return issue;
  const depth = (issues: readonly Issue[]) =>
    Math.max(...issues.map((i) => i.path.length)) * 100 - issues.length;
  const branch = [...issue.errors].sort((a, b) => depth(b) - depth(a))[0]?.[0];
  if (!branch) return issue;
  const inner = clearest(branch);
  return { path: [...issue.path, ...inner.path], message: inner.message };
}

/** The issue of a refusal that is worth telling, where there is room for one. */
export function clearestIssue(error: z.ZodError): Pick<Issue, 'path' | 'message'> {
  const [first] = error.issues;
  return first ? clearest(first) : { path: [], message: 'is invalid' };
}

/**
 * Parses a value from outside by a schema. Throws `invalid_input` that names the first wrong field, its value
 * and what was expected; all wrong fields are in the error's `issues` parameter.
 *
 * @param where what is parsed ("body", "query", "job result"); stands before the field's path
 */
export function parseInput<S extends z.ZodType>(schema: S, value: unknown, where = 'body'): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issues = result.error.issues.map((issue) => {
    const { path, message } = clearest(issue);
    const field = pathText(path);
    return { field: field ? `${where}.${field}` : where, problem: message };
  });
  throw fail('invalid_input', { ...(issues[0] ?? { field: where, problem: 'is invalid' }), issues });
}

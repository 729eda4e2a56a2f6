import type { z } from 'zod';
import { fail } from './errors.ts';

/** The path of an issue as people write it: `inputs[0].name`. */
export function pathText(path: readonly PropertyKey[]): string {
  let text = '';
  for (const part of path)
    text += typeof part === 'number' ? `[${part}]` : text ? `.${String(part)}` : String(part);
  return text;
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
    const path = pathText(issue.path);
    return { field: path ? `${where}.${path}` : where, problem: issue.message };
  });
  throw fail('invalid_input', { ...(issues[0] ?? { field: where, problem: 'is invalid' }), issues });
}

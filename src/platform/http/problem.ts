import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { diskError } from '../../core/disk-error.ts';
import { fail, MillraceError } from '../../core/errors.ts';
import { refusedStatement } from '../db/refused-statement.ts';

/** The body of every error of the REST API (RFC 9457), with the catalogue's code and next step. */
export const problemBody = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  code: z.string(),
  next: z.string(),
  issues: z.array(z.object({ field: z.string(), problem: z.string() })).optional(),
  /** Where a filter or an order is wrong, and what could stand there. */
  filter: z
    .object({
      problem: z.string(),
      position: z.number().int(),
      length: z.number().int(),
      expected: z.array(z.string()),
      excerpt: z.string(),
    })
    .optional(),
});
export type ProblemBody = z.infer<typeof problemBody>;

/**
 * The catalogue error behind anything thrown. What we did not foresee becomes `internal` with a reference.
 *
 * @param bodyLimitBytes the largest body of the route
 */
export function toMillraceError(error: unknown, bodyLimitBytes: number): MillraceError {
  if (error instanceof MillraceError) return error;
  const known = error as { code?: string; statusCode?: number; message?: string };
  if (known.code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return fail('payload_too_large', { limitBytes: bodyLimitBytes }, error);
  }
  if (known.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    const problem = 'is not read here; send JSON with "content-type: application/json"';
    return fail('invalid_input', { field: 'content-type', problem }, error);
  }
  if (known.code === 'FST_ERR_CTP_INVALID_JSON_BODY') {
    return fail('invalid_input', { field: 'body', problem: 'is not valid JSON' }, error);
  }
  if (known.statusCode !== undefined && known.statusCode >= 400 && known.statusCode < 500) {
    return fail('invalid_input', { field: 'body', problem: known.message ?? 'cannot be read' }, error);
  }
  return (
    diskError(error, 'the data directory') ??
    refusedStatement(error) ??
    fail('internal', { reference: randomBytes(6).toString('hex') }, error)
  );
}

export function toProblem(error: MillraceError): ProblemBody {
  const issues = error.params.issues as ProblemBody['issues'];
  const filter = error.params.filter as ProblemBody['filter'];
  return {
    type: `urn:millrace:error:${error.code}`,
    title: error.title,
    status: error.status,
    detail: error.message,
    code: error.code,
    next: error.next,
    ...(issues ? { issues } : {}),
    ...(filter ? { filter } : {}),
  };
}

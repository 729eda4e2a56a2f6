import type { Actor } from '../platform/access/index.ts';
import type { FastifyRequest } from '../platform/http/index.ts';
import type { Jobs } from '../platform/jobs/index.ts';

const nameHeader = 'x-millrace-actor';
const namePattern = /^[\w.@ -]{1,100}$/;

/**
 * Who is behind a request: the running job whose token it bears, else a user. There are no accounts yet, so a
 * user is who the header says, for the audit trail's sake, and holds every permission.
 */
export async function resolveActor(jobs: Jobs, request: FastifyRequest): Promise<Actor> {
  const bearer = /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (bearer) {
    const jobId = await jobs.byToken(bearer);
    if (jobId) return { kind: 'job', id: jobId };
  }
  const name = request.headers[nameHeader];
  return { kind: 'user', id: typeof name === 'string' && namePattern.test(name) ? name : 'anonymous' };
}

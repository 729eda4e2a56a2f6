import { z } from 'zod';
import { authorize } from '../access/index.ts';
import { defineRoute, pageOf, pageQuery, type Route, readPage } from '../http/index.ts';
import { jobError, jobResource, jobStatus, leasedJob, logLine, storedLogLine } from './contract.ts';
import type { Jobs } from './jobs.ts';

const idParams = z.object({ id: z.string() });
const attemptOnly = z.strictObject({ attempt: z.number().int() });
const nothing = z.object({});
const longestWaitMs = 60_000;

/** Jobs for people (look, cancel through the resource that owns them) and the protocol of workers. */
export function jobRoutes(jobs: Jobs): readonly Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/jobs',
      summary: 'Jobs, newest first',
      permission: 'read',
      query: pageQuery.extend({ kind: z.string().optional(), status: jobStatus.optional() }),
      response: pageOf(jobResource),
      async handle({ query }, { actor }) {
        authorize(actor, 'read');
        const { kind, status } = query;
        return readPage(
          query,
          (page) => jobs.list({ kind, status, ...page }),
          (job) => job.id,
        );
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/jobs/:id',
      summary: 'One job',
      permission: 'read',
      params: idParams,
      response: jobResource,
      async handle({ params }, { actor }) {
        authorize(actor, 'read');
        return jobs.get(params.id);
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/jobs/:id/logs',
      summary: 'Lines of a job’s log after a sequence number, oldest first',
      permission: 'read',
      params: idParams,
      query: z.strictObject({
        afterSeq: z.coerce.number().int().min(0).default(0),
        limit: z.coerce.number().int().min(1).max(10_000).default(1000),
      }),
      response: z.object({ items: z.array(storedLogLine) }),
      async handle({ params, query }, { actor }) {
        authorize(actor, 'read');
        return { items: [...(await jobs.logs(params.id, query.afterSeq, query.limit))] };
      },
    }),
    ...workerRoutes(jobs),
  ];
}

/** What a worker asks. The script that a job runs may not: it would write the result of any job, its own too. */
function workerRoutes(jobs: Jobs): readonly Route[] {
  return [
    defineRoute({
      method: 'POST',
      path: '/api/v1/workers/:id/lease',
      summary: 'Lease a job; waits for one',
      permission: 'jobs:run',
      params: idParams,
      body: z.strictObject({
        /** This start of the worker: leases of an earlier start are released when `first` is true. */
        instance: z.string(),
        first: z.boolean().default(false),
        kinds: z.array(z.string()).min(1),
        waitMs: z.number().int().min(0).max(longestWaitMs),
      }),
      response: z.object({ job: leasedJob.nullable() }),
      async handle({ params, body }, { actor, signal }) {
        authorize(actor, 'jobs:run');
        const worker = `${params.id}/${body.instance}`;
        if (body.first) await jobs.workerStarted(worker);
        return { job: (await jobs.lease(worker, body.kinds, body.waitMs, signal)) ?? null };
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/jobs/:id/heartbeat',
      summary: 'Keep the lease of a job',
      permission: 'jobs:run',
      params: idParams,
      body: attemptOnly,
      response: z.object({ cancelReason: z.string().nullable() }),
      async handle({ params, body }, { actor }) {
        authorize(actor, 'jobs:run');
        return jobs.heartbeat(params.id, body.attempt);
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/jobs/:id/logs',
      summary: 'Append lines to the log of a running job',
      permission: 'jobs:run',
      params: idParams,
      body: attemptOnly.extend({ lines: z.array(logLine).max(1000) }),
      response: nothing,
      async handle({ params, body }, { actor }) {
        authorize(actor, 'jobs:run');
        await jobs.appendLogs(params.id, body.attempt, body.lines);
        return {};
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/jobs/:id/complete',
      summary: 'Record the result of a job',
      permission: 'jobs:run',
      params: idParams,
      body: attemptOnly.extend({ result: z.unknown() }),
      response: nothing,
      async handle({ params, body }, { actor }) {
        authorize(actor, 'jobs:run');
        await jobs.complete(params.id, body.attempt, body.result);
        return {};
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/jobs/:id/fail',
      summary: 'Report that an attempt failed',
      permission: 'jobs:run',
      params: idParams,
      body: attemptOnly.extend({ error: jobError, retryable: z.boolean() }),
      response: nothing,
      async handle({ params, body }, { actor }) {
        authorize(actor, 'jobs:run');
        await jobs.fail(params.id, body.attempt, body.error, body.retryable);
        return {};
      },
    }),
  ];
}

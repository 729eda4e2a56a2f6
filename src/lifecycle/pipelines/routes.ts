import { z } from 'zod';
import { defineRoute, openSse, pageOf, type Route, readPage } from '../../platform/http/index.ts';
import {
  cancelStepSchema,
  stepLogLineSchema,
  stepLogQuerySchema,
  stepRunQuerySchema,
  stepRunSchema,
} from './contract.ts';
import type { Pipelines } from './service.ts';

const byId = z.strictObject({ id: z.string() });

export function pipelinesRoutes(pipelines: Pipelines): readonly Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/step-runs',
      summary: 'Lists step runs, newest first',
      permission: 'read',
      query: stepRunQuerySchema,
      response: pageOf(stepRunSchema),
      handle: ({ query: { limit, after, ...filter } }, { actor }) =>
        readPage(
          { limit, after },
          (page) => pipelines.list(actor, { ...filter, ...page }),
          (run) => run.id,
        ),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/step-runs/:id',
      summary: 'A step run with its inputs, outputs and how it ended',
      permission: 'read',
      params: byId,
      response: stepRunSchema,
      handle: ({ params }, { actor }) => pipelines.get(actor, params.id),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/step-runs/:id/logs',
      summary: 'Log lines of a step after a line number; with Accept: text/event-stream, followed to its end',
      permission: 'read',
      params: byId,
      query: stepLogQuerySchema,
      response: z.object({ items: z.array(stepLogLineSchema) }),
      handle: async ({ params, query }, { actor, request, reply, signal }) => {
        await pipelines.get(actor, params.id);
        if (!request.headers.accept?.includes('text/event-stream')) {
          return { items: [...(await pipelines.logs(actor, params.id, query.after, query.limit))] };
        }
        const stream = openSse(reply);
        for await (const line of pipelines.followLogs(actor, params.id, query.after, signal)) {
          await stream.send({ id: String(line.number), event: 'line', data: line });
        }
        await stream.send({ event: 'end', data: await pipelines.get(actor, params.id) });
        reply.raw.end();
        return undefined;
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/step-runs/:id/cancel',
      summary: 'Stops a step run; its processes get SIGTERM, and SIGKILL 5 s later',
      permission: 'pipelines:write',
      params: byId,
      body: cancelStepSchema,
      response: stepRunSchema,
      handle: ({ params, body }, { actor }) => pipelines.cancel(actor, params.id, body.reason),
    }),
  ];
}

import { z } from 'zod';
import { defineRoute, pageOf, type Route } from '../../platform/http/index.ts';
import {
  replicaSchema,
  replicaStatusSchema,
  type StreamMessage,
  streamQuerySchema,
  withdrawSchema,
} from './contract.ts';
import type { ServingService } from './service.ts';

const byId = z.strictObject({ id: z.string().min(1).max(200) });

/** What serve processes ask of control and tell it, and what people see of them. */
export function replicaRoutes(service: ServingService): readonly Route[] {
  const lineOf = rememberedLine();
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/replicas',
      summary: 'Lists the serve processes that follow this control',
      permission: 'read',
      response: pageOf(replicaSchema),
      handle: async (_, { actor }) => ({ items: [...service.replicas(actor)], next: null }),
    }),
    defineRoute({
      method: 'DELETE',
      path: '/api/v1/replicas/:id',
      summary: 'Forgets a replica that will not come back',
      permission: 'serving:write',
      params: byId,
      body: withdrawSchema,
      response: z.undefined(),
      handle: async ({ params, body }, { actor }) => {
        await service.forgetReplica(actor, params.id, body.reason);
        return undefined;
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/replicas/:id/status',
      summary: 'A replica tells what it serves',
      permission: 'serving:write',
      params: byId,
      body: replicaStatusSchema,
      response: z.undefined(),
      handle: async ({ params, body }, { actor }) => {
        await service.reportReplica(actor, params.id, body);
        return undefined;
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/replicas/:id/stream',
      summary: 'Routes and requests for a replica, one JSON object a line',
      permission: 'serving:write',
      params: byId,
      query: streamQuerySchema,
      response: z.undefined(),
      handle: async ({ params, query: { instance } }, { actor, reply }) => {
        await service.admitReplica(actor, params.id, instance);
        reply.hijack();
        reply.raw.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
        const closed = new Promise<void>((resolve) => reply.raw.once('close', resolve));
        const send = (message: StreamMessage) => void reply.raw.write(lineOf(message));
        try {
          await service.attachReplica(actor, params.id, send, closed, instance);
        } finally {
          // Where it could not be followed the replica connects again; one that is gone reads no end.
          reply.raw.destroy();
        }
        return undefined;
      },
    }),
  ];
}

/** Messages as lines. One goes to many replicas, and a table of routes may have hundreds of kilobytes. */
function rememberedLine(): (message: StreamMessage) => string {
  let last: { readonly message: StreamMessage; readonly line: string } | null = null;
  return (message) => {
    if (last?.message !== message) last = { message, line: `${JSON.stringify(message)}\n` };
    return last.line;
  };
}

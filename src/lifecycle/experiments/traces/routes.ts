import { z } from 'zod';
import { defineRoute, pageOf, type Route } from '../../../platform/http/index.ts';
import { traceDetailSchema, traceListQuerySchema, traceSchema } from './contract.ts';
import type { traceOperations } from './service.ts';
import { traceDetailWire, traceWire } from './wire.ts';

/** REST resource: traces. */
export function traceRoutes(traces: ReturnType<typeof traceOperations>): readonly Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/traces',
      summary: 'List traces by filter and order, in one experiment or in all',
      permission: 'read',
      query: traceListQuerySchema,
      response: pageOf(traceSchema),
      async handle({ query }, { actor }) {
        const { experimentId, filter, limit, after } = query;
        const page = await traces.search(actor, {
          experimentIds: experimentId === undefined ? null : [experimentId],
          filter,
          orderBy: query.orderBy?.split(',').filter((clause) => clause.trim() !== ''),
          limit,
          after,
        });
        return { items: page.items.map(traceWire), next: page.next };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/traces/:id',
      summary: 'Read a trace with its spans, in the order of their tree',
      permission: 'read',
      params: z.object({ id: z.string() }),
      response: traceDetailSchema,
      handle: async ({ params }, { actor }) => traceDetailWire(await traces.whole(actor, params.id)),
    }),
  ];
}

import { z } from 'zod';
import { countedPageOf, defineRoute, pageOf, type Route } from '../../platform/http/index.ts';
import {
  experimentListQuerySchema,
  runColumnListQuerySchema,
  runColumnSchema,
  runListQuerySchema,
} from './contract/search.ts';
import { experimentSchema, runSchema } from './contract.ts';
import type { Experiments } from './service.ts';
import { experimentWire, runWire } from './wire.ts';

/** An order as the services take it. */
function clauses(orderBy: string | undefined): readonly string[] {
  return orderBy?.trim() ? [orderBy] : [];
}

/** REST resources: lists of experiments and of runs, and the keys that runs have. */
export function searchRoutes({
  experiments,
  runs,
}: Pick<Experiments, 'experiments' | 'runs'>): readonly Route[] {
  const grammar = 'millrace' as const;
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/experiments',
      summary: 'List experiments by filter and order',
      permission: 'read',
      query: experimentListQuerySchema,
      response: countedPageOf(experimentSchema),
      async handle({ query }, { actor }) {
        const { filter = '', view, count, limit, after } = query;
        const orderBy = clauses(query.orderBy);
        const page = await experiments.search(actor, { filter, orderBy, grammar, view, count, limit, after });
        return { ...page, items: page.items.map(experimentWire) };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/experiments/:id/run-columns',
      summary: "List the keys of metrics, params and tags that an experiment's runs have",
      permission: 'read',
      params: z.object({ id: z.string() }),
      query: runColumnListQuerySchema,
      response: pageOf(runColumnSchema),
      async handle({ params, query }, { actor }) {
        const { items, next } = await runs.columns(actor, params.id, query);
        return { items: [...items], next };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/runs',
      summary: 'List runs by filter and order, in one experiment or in all',
      permission: 'read',
      query: runListQuerySchema,
      response: countedPageOf(runSchema),
      async handle({ query }, { actor }) {
        const { experimentId, filter, fields, view, count, limit, after } = query;
        const page = await runs.search(actor, {
          experimentIds: experimentId?.split(',').map((id) => id.trim()) ?? null,
          orderBy: clauses(query.orderBy),
          grammar,
          ...{ filter, fields, view, count, limit, after },
        });
        return { ...page, items: page.items.map(runWire) };
      },
    }),
  ];
}

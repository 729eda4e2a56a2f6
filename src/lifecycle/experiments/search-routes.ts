import { z } from 'zod';
import { countedPageOf, defineRoute, pageOf, type Route } from '../../platform/http/index.ts';
import {
  experimentListQuerySchema,
  loggedModelListQuerySchema,
  runColumnListQuerySchema,
  runColumnSchema,
  runListQuerySchema,
} from './contract/search.ts';
import { experimentSchema, loggedModelWithFilesSchema, runSchema } from './contract.ts';
import type { Experiments } from './service.ts';
import { experimentWire, loggedModelWire, runWire } from './wire.ts';

/** An order as the services take it. */
function clauses(orderBy: string | undefined): readonly string[] {
  return orderBy?.trim() ? [orderBy] : [];
}

function idsOf(experimentId: string | undefined): readonly string[] | null {
  return experimentId?.split(',').map((id) => id.trim()) ?? null;
}

/** REST resources: lists of experiments, runs and logged models, and the keys that runs have. */
export function searchRoutes({
  experiments,
  runs,
  models,
}: Pick<Experiments, 'experiments' | 'runs' | 'models'>): readonly Route[] {
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
          experimentIds: idsOf(experimentId),
          orderBy: clauses(query.orderBy),
          grammar,
          filter,
          fields,
          view,
          count,
          limit,
          after,
        });
        return { ...page, items: page.items.map(runWire) };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/logged-models',
      summary: 'List logged models with their files: those of a step, of a run, or by filter and order',
      permission: 'read',
      query: loggedModelListQuerySchema,
      response: pageOf(loggedModelWithFilesSchema),
      async handle({ query }, { actor }) {
        const { stepRunId, runId, experimentId, filter, orderBy, limit, after } = query;
        const whole = { next: null };
        const page =
          runId !== undefined
            ? { ...whole, items: await models.ofRun(actor, runId) }
            : stepRunId !== undefined
              ? { ...whole, items: await models.ofStep(actor, stepRunId) }
              : await models.list(actor, {
                  experimentIds: idsOf(experimentId),
                  filter,
                  orderBy,
                  limit,
                  after,
                });
        const items = page.items.map((model) => ({ ...loggedModelWire(model), files: [...model.files] }));
        return { items, next: page.next };
      },
    }),
  ];
}

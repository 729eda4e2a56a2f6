import { z } from 'zod';
import { defineRoute, pageOf, type Route } from '../../platform/http/index.ts';
import {
  metricDirectionChangeSchema,
  metricDirectionEntrySchema,
  metricHistoryQuerySchema,
  metricHistorySchema,
} from './contract.ts';
import type { Experiments } from './service.ts';
import { bucketWire } from './wire.ts';

const byId = z.object({ id: z.string() });

/** Histories of metrics, and which way metrics are better. */
export function metricRoutes(metrics: Experiments['metrics']): readonly Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/runs/:id/metric-history',
      summary: 'Read the history of a metric, cut into buckets that keep the extremes',
      permission: 'read',
      params: byId,
      query: metricHistoryQuerySchema,
      response: metricHistorySchema,
      async handle({ params, query }, { actor }) {
        const { key, buckets, startStep, endStep } = query;
        const isPart = startStep !== undefined || endStep !== undefined;
        const range = isPart
          ? { startStep: startStep ?? Number.MIN_SAFE_INTEGER, endStep: endStep ?? Number.MAX_SAFE_INTEGER }
          : null;
        const history = await metrics.buckets(actor, { runId: params.id, key, buckets, range });
        const { totalCount } = history;
        return { runId: params.id, key, totalCount, buckets: history.buckets.map(bucketWire) };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/experiments/:id/metric-directions',
      summary: 'List the directions that were stated for metrics of an experiment',
      permission: 'read',
      params: byId,
      response: pageOf(metricDirectionEntrySchema),
      async handle({ params }, { actor }) {
        return { items: [...(await metrics.directions(actor, params.id))], next: null };
      },
    }),
    defineRoute({
      method: 'PUT',
      path: '/api/v1/experiments/:id/metric-directions',
      summary: 'State which way metrics of an experiment are better',
      permission: 'experiments:write',
      params: byId,
      body: metricDirectionChangeSchema,
      response: pageOf(metricDirectionEntrySchema),
      async handle({ params, body }, { actor }) {
        return { items: [...(await metrics.setDirections(actor, params.id, body.directions))], next: null };
      },
    }),
  ];
}

import { z } from 'zod';
import {
  decodePageToken,
  defineRoute,
  pageOf,
  pageQuery,
  type Route,
  toPage,
} from '../../platform/http/index.ts';
import { evaluationSchema, evaluationSummarySchema } from './contract.ts';
import type { EvaluationService } from './service.ts';

export function evaluationRoutes(service: EvaluationService): readonly Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/evaluations',
      summary: 'Lists evaluations with their gates, newest first',
      permission: 'read',
      query: pageQuery.extend({ subject: z.string().optional() }),
      response: pageOf(evaluationSummarySchema),
      handle: async ({ query: { limit, after, subject } }, { actor }) => {
        const afterId = after === undefined ? undefined : decodePageToken(after, z.string());
        const items = await service.evaluations(actor, { subject, limit: limit + 1, afterId });
        return toPage(items, limit, (evaluation) => evaluation.id);
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/evaluations/:id',
      summary: 'An evaluation with its whole report',
      permission: 'read',
      params: z.strictObject({ id: z.string() }),
      response: evaluationSchema,
      handle: ({ params }, { actor }) => service.evaluation(actor, params.id),
    }),
  ];
}

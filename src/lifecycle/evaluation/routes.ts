import { z } from 'zod';
import { defineRoute, pageOf, pageQuery, type Route, readPage } from '../../platform/http/index.ts';
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
      handle: ({ query: { subject, ...page } }, { actor }) =>
        readPage(
          page,
          (some) => service.evaluations(actor, { subject, ...some }),
          (evaluation) => evaluation.id,
        ),
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

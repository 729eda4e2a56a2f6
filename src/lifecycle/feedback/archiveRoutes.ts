import { defineRoute, type Route } from '../../platform/http/index.ts';
import {
  compactedSchema,
  compactPredictionsSchema,
  erasedSchema,
  erasePredictionsSchema,
} from './contract.ts';
import type { FeedbackService } from './service.ts';

/** The routes that change or take out what is in the log. */
export function archiveRoutes(service: FeedbackService): readonly Route[] {
  return [
    defineRoute({
      method: 'POST',
      path: '/api/v1/prediction-erasures',
      summary: 'Removes every prediction and label of an entity from the log, for good',
      permission: 'feedback:write',
      body: erasePredictionsSchema,
      response: erasedSchema,
      handle: ({ body }, { actor }) => service.erase(actor, body),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/prediction-compactions',
      summary: 'Makes few large segments of many small ones now, and removes what is too old',
      permission: 'feedback:write',
      body: compactPredictionsSchema,
      response: compactedSchema,
      handle: ({ body }, { actor }) => service.compact(actor, body.endpoint, body.force),
    }),
  ];
}

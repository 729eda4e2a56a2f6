import { z } from 'zod';
import { decodePageToken, defineRoute, pageOf, type Route, toPage } from '../../platform/http/index.ts';
import {
  conflictSchema,
  feedbackSettingsSchema,
  labelDelaysQuerySchema,
  labelDelaysSchema,
  labelsByDayQuerySchema,
  labelsByDaySchema,
  postLabelsResponseSchema,
  postSignalsRequestSchema,
  waitingLabelSchema,
  waitingLabelsQuerySchema,
} from './contract.ts';
import type { FeedbackService } from './service.ts';

const waitingKeySchema = z.union([
  z.tuple([z.literal('entity'), z.string()]),
  z.tuple([z.literal('id'), z.int()]),
]);
const endpointParams = z.strictObject({ endpoint: z.string().min(1).max(200) });

/** Signals, what an endpoint's labels are like, which wait, contradict each other, come late or are missing. */
export function labelRoutes({ labels }: FeedbackService): readonly Route[] {
  return [
    defineRoute({
      method: 'POST',
      path: '/api/v1/signals',
      summary:
        'Takes explicit or implicit feedback (rating, click, dwell, …) by prediction id or by entity and time',
      permission: 'feedback:write',
      body: postSignalsRequestSchema,
      response: postLabelsResponseSchema,
      handle: ({ body }, { actor }) => labels.postSignals(actor, body),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/feedback-settings/:endpoint',
      summary: 'What an endpoint’s labels are like: type, tolerance, outcome rule, retention',
      permission: 'read',
      params: endpointParams,
      response: feedbackSettingsSchema,
      handle: ({ params }, { actor }) => labels.settings(actor, params.endpoint),
    }),
    defineRoute({
      method: 'PUT',
      path: '/api/v1/feedback-settings/:endpoint',
      summary: 'Declares what an endpoint’s labels are like',
      permission: 'feedback:write',
      params: endpointParams,
      body: feedbackSettingsSchema,
      response: feedbackSettingsSchema,
      handle: ({ params, body }, { actor }) => labels.putSettings(actor, params.endpoint, body),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/labels/waiting',
      summary: 'Lists labels and signals whose prediction is not in the log (yet)',
      permission: 'read',
      query: waitingLabelsQuerySchema,
      response: pageOf(waitingLabelSchema),
      handle: async ({ query: { endpoint, limit, after } }, { actor }) => {
        const key = after === undefined ? undefined : decodePageToken(after, waitingKeySchema);
        const page = toPage(await labels.waiting(actor, endpoint, limit + 1, key), limit, (item) => item.key);
        return { items: page.items.map(({ key: _key, ...item }) => item), next: page.next };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/labels/conflicts',
      summary: 'Lists predictions that were labelled with different values, the latest first',
      permission: 'read',
      query: z.strictObject({
        endpoint: z.string().min(1),
        limit: z.coerce.number().int().min(1).max(1000).default(100),
      }),
      response: z.object({ items: z.array(conflictSchema) }),
      handle: async ({ query }, { actor }) => ({
        items: [...(await labels.conflicts(actor, query.endpoint, query.limit))],
      }),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/labels/delays',
      summary: 'How late labels came and how many are missing, in all and by the values of a feature',
      permission: 'read',
      query: labelDelaysQuerySchema,
      response: labelDelaysSchema,
      handle: ({ query }, { actor }) => labels.delays(actor, query),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/labels/by-day',
      summary:
        'How many predictions of each UTC day have a label, how many have none, and how late labels came',
      permission: 'read',
      query: labelsByDayQuerySchema,
      response: labelsByDaySchema,
      handle: ({ query }, { actor }) => labels.byDay(actor, query),
    }),
  ];
}

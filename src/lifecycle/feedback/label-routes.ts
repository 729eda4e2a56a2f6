import { z } from 'zod';
import {
  decodePageToken,
  defineRoute,
  pageOf,
  pageQuery,
  type Route,
  readPage,
  toPage,
} from '../../platform/http/index.ts';
import {
  conflictSchema,
  feedbackSettingsSchema,
  labelDelaysQuerySchema,
  labelDelaysSchema,
  labelQueryInputSchema,
  labelQueryRunSchema,
  labelQuerySchema,
  labelsByDayQuerySchema,
  labelsByDaySchema,
  labelUploadQuerySchema,
  labelUploadSchema,
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
const queryParams = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'expected letters, digits, dot, dash or underscore'),
});
const list = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item) });

/** The routes of labels beyond posting them: files, queries, signals, settings, what waits, what is missing. */
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
      method: 'POST',
      path: '/api/v1/label-uploads',
      summary:
        'Takes a CSV or Parquet file of labels as body; of the same file again, the rows that were refused are tried again',
      permission: 'feedback:write',
      query: labelUploadQuerySchema,
      bodyKind: 'raw',
      response: labelUploadSchema,
      handle: ({ query: { endpoint, format, wait, ...options } }, { actor, request }) =>
        labels.upload(actor, endpoint, format, request.raw, wait, options),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/label-uploads',
      summary: 'Lists files of labels with their progress, of an endpoint or of all, newest first',
      permission: 'read',
      query: pageQuery.extend({ endpoint: z.string().min(1).optional() }),
      response: pageOf(labelUploadSchema),
      handle: ({ query }, { actor }) =>
        readPage(
          query,
          (page) => labels.listUploads(actor, page, query.endpoint),
          (upload) => upload.id,
        ),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/label-uploads/:id',
      summary: 'One file of labels: how far it is, and which rows were refused',
      permission: 'read',
      params: z.strictObject({ id: z.string() }),
      response: labelUploadSchema,
      handle: ({ params }, { actor }) => labels.findUpload(actor, params.id),
    }),
    defineRoute({
      method: 'PUT',
      path: '/api/v1/label-queries/:name',
      summary: 'Declares a query against a database table whose rows are labels',
      permission: 'feedback:write',
      params: queryParams,
      body: labelQueryInputSchema,
      response: labelQuerySchema,
      handle: ({ params, body }, { actor }) => labels.putQuery(actor, params.name, body),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/label-queries',
      summary: 'Lists label queries with their watermarks and last runs',
      permission: 'read',
      response: list(labelQuerySchema),
      handle: async (_input, { actor }) => ({ items: [...(await labels.listQueries(actor))] }),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/label-queries/:name/run',
      summary: 'Runs a label query now and answers with what came of it',
      permission: 'feedback:write',
      params: queryParams,
      response: labelQueryRunSchema,
      handle: ({ params }, { actor }) => labels.runQuery(actor, params.name),
    }),
    defineRoute({
      method: 'DELETE',
      path: '/api/v1/label-queries/:name',
      summary: 'Removes a label query; labels that it brought stay',
      permission: 'feedback:write',
      params: queryParams,
      response: z.strictObject({ removed: z.literal(true) }),
      handle: async ({ params }, { actor }) => {
        await labels.removeQuery(actor, params.name);
        return { removed: true } as const;
      },
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
      response: list(conflictSchema),
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

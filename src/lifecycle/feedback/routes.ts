import { z } from 'zod';
import {
  decodePageToken,
  defineRoute,
  pageOf,
  pageQuery,
  type Route,
  toPage,
} from '../../platform/http/index.ts';
import { archiveRoutes } from './archive-routes.ts';
import { openRowsSchema } from './arrivals.ts';
import {
  feedbackSummarySchema,
  labelSegmentSchema,
  logFacetsQuerySchema,
  logFacetsSchema,
  logReadingSchema,
  postLabelsRequestSchema,
  postLabelsResponseSchema,
  predictionDetailSchema,
  predictionSegmentSchema,
  predictionsPageSchema,
  predictionsQuerySchema,
  registeredSegmentSchema,
} from './contract.ts';
import { labelQueryRoutes } from './label-query-routes.ts';
import { labelRoutes } from './label-routes.ts';
import { labelUploadRoutes } from './label-upload-routes.ts';
import { pageKey, pageKeySchema, rangeOf } from './search/list-predictions.ts';
import type { FeedbackService } from './service.ts';

const endpointQuery = z.strictObject({ endpoint: z.string().min(1) });
const optionalEndpointQuery = z.strictObject({ endpoint: z.string().min(1).optional() });

/** A page of a list that is read whole anyway: a segment is a file, there are thousands at most. */
function pageOfSegments<T extends { readonly id: string }>(
  segments: readonly T[],
  limit: number,
  after: string | undefined,
) {
  const lastId = after === undefined ? undefined : decodePageToken(after, z.string());
  const from = lastId === undefined ? 0 : segments.findIndex(({ id }) => id === lastId) + 1;
  return toPage(segments.slice(from, from + limit + 1), limit, ({ id }) => id);
}

export function feedbackRoutes(service: FeedbackService): readonly Route[] {
  return [
    defineRoute({
      method: 'POST',
      path: '/api/v1/prediction-segments',
      summary: 'Registers a sealed segment of a replica’s prediction log; the same id again changes nothing',
      permission: 'feedback:write',
      body: predictionSegmentSchema,
      response: registeredSegmentSchema,
      handle: ({ body }, { actor }) => service.registerSegment(actor, body),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/open-rows',
      summary:
        'A replica tells of rows that it has just written to the log of an endpoint with a rollout; their segment brings them again',
      permission: 'feedback:write',
      body: openRowsSchema,
      response: z.undefined(),
      handle: async ({ body }, { actor }) => {
        service.takeOpenRows(actor, body);
        return undefined;
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/prediction-segments',
      summary: 'Lists an endpoint’s prediction segments, those with the newest rows first',
      permission: 'read',
      query: pageQuery.extend({ endpoint: z.string().min(1) }),
      response: pageOf(predictionSegmentSchema),
      handle: async ({ query: { limit, after, endpoint } }, { actor }) =>
        pageOfSegments(await service.predictionSegments(actor, { endpoint }), limit, after),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/labels',
      summary: 'Takes ground truth by prediction id; answered when it is durable',
      permission: 'feedback:write',
      body: postLabelsRequestSchema,
      response: postLabelsResponseSchema,
      handle: ({ body }, { actor }) => service.postLabels(actor, body),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/label-segments',
      summary: 'Lists sealed label segments, newest first',
      permission: 'read',
      query: pageQuery.extend({ endpoint: z.string().min(1).optional() }),
      response: pageOf(labelSegmentSchema),
      handle: async ({ query: { limit, after, endpoint } }, { actor }) =>
        pageOfSegments(await service.labelSegments(actor, endpoint), limit, after),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/labels/summary',
      summary: 'Exact counts of an endpoint’s predictions and labels, by day and in total',
      permission: 'read',
      query: endpointQuery,
      response: feedbackSummarySchema,
      handle: ({ query }, { actor }) => service.summary(actor, query.endpoint),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/predictions',
      summary: 'Lists an endpoint’s predictions with their labels, newest event time first',
      permission: 'read',
      query: predictionsQuerySchema,
      // A feature may be an empty text.
      emptyQuery: ['value'],
      response: predictionsPageSchema,
      handle: async ({ query: { limit, after, ...filter } }, { actor }) => {
        const key = after === undefined ? undefined : decodePageToken(after, pageKeySchema);
        const found = await service.predictions(actor, filter, limit + 1, key);
        const { endpoint, entity } = filter;
        const otherKeys =
          entity === undefined ? [] : await service.hashKeys.others(entity, endpoint, rangeOf(filter));
        return { ...toPage(found, limit, pageKey), otherKeys: [...otherKeys] };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/prediction-facets',
      summary:
        'Which arms, versions, statuses and features occur in a span of the log, to narrow a search to',
      permission: 'read',
      query: logFacetsQuerySchema,
      response: logFacetsSchema,
      handle: ({ query }, { actor }) => service.facets(actor, query),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/log-readings',
      summary:
        'How far an endpoint’s log has been read for those who wait for evidence about a shadow or a rollout',
      permission: 'read',
      query: endpointQuery,
      response: logReadingSchema,
      handle: async ({ query }, { actor }) => service.logReading(actor, query.endpoint),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/predictions/:id',
      summary: 'One prediction with features, outputs, label, and what shadows said',
      permission: 'read',
      params: z.strictObject({ id: z.string() }),
      query: optionalEndpointQuery,
      response: predictionDetailSchema,
      handle: ({ params, query }, { actor }) => service.prediction(actor, params.id, query.endpoint),
    }),
    ...labelRoutes(service),
    ...labelUploadRoutes(service),
    ...labelQueryRoutes(service),
    ...archiveRoutes(service),
  ];
}

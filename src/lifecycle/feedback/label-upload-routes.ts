import { z } from 'zod';
import { defineRoute, pageOf, pageQuery, type Route, readPage } from '../../platform/http/index.ts';
import { labelUploadQuerySchema, labelUploadSchema } from './contract.ts';
import type { FeedbackService } from './service.ts';

/** Files of labels. */
export function labelUploadRoutes({ labels }: FeedbackService): readonly Route[] {
  return [
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
  ];
}

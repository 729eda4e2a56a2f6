import { z } from 'zod';
import type { BlobStore } from '../../../platform/blobs/index.ts';
import { defineRoute, pageOf, pageQuery, type Route, readPage } from '../../../platform/http/index.ts';
import type { BatchService } from './batch-service.ts';
import {
  batchLogPolicySchema,
  batchPartSchema,
  batchPartsSchema,
  batchPredictionSchema,
  batchWindowSchema,
  cancelBatchSchema,
  createBatchPredictionSchema,
  deleteBatchSchema,
  deletedBatchSchema,
  resumeBatchSchema,
  stagedInputSchema,
} from './contract.ts';

const byId = z.strictObject({ id: z.string().min(1).max(200) });
const contentTypes: Readonly<Record<string, string>> = {
  parquet: 'application/vnd.apache.parquet',
  csv: 'text/csv; charset=utf-8',
};

export function batchRoutes(service: BatchService, blobs: BlobStore): readonly Route[] {
  return [
    defineRoute({
      method: 'POST',
      path: '/api/v1/batch-predictions',
      summary: 'Scores every row of a file, a dataset version or a log',
      permission: 'serving:write',
      body: createBatchPredictionSchema,
      response: batchPredictionSchema,
      status: 201,
      handle: ({ body }, { actor }) => service.create(actor, body),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/batch-predictions',
      summary: 'Batch predictions with their progress, newest first',
      permission: 'read',
      query: pageQuery,
      response: pageOf(batchPredictionSchema),
      handle: ({ query }, { actor }) =>
        readPage(
          query,
          (page) => service.list(actor, page),
          (batch) => batch.id,
        ),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/batch-predictions/:id',
      summary: 'A batch prediction with its progress and output',
      permission: 'read',
      params: byId,
      response: batchPredictionSchema,
      handle: ({ params }, { actor }) => service.get(actor, params.id),
    }),
    defineRoute({
      method: 'DELETE',
      path: '/api/v1/batch-predictions/:id',
      summary:
        'Deletes a batch prediction that has ended, with the files that it made; logged rows stay in the log',
      permission: 'serving:write',
      params: byId,
      body: deleteBatchSchema,
      response: deletedBatchSchema,
      handle: ({ params, body }, { actor }) => service.delete(actor, params.id, body.reason),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/batch-predictions/:id/cancel',
      summary: 'Stops a batch prediction',
      permission: 'serving:write',
      params: byId,
      body: cancelBatchSchema,
      response: batchPredictionSchema,
      handle: ({ params, body }, { actor }) => service.cancel(actor, params.id, body.reason),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/batch-predictions/:id/resume',
      summary:
        'Goes on with a batch prediction that failed or was cancelled, as a new one with its finished parts',
      permission: 'serving:write',
      params: byId,
      body: resumeBatchSchema,
      response: batchPredictionSchema,
      status: 201,
      handle: ({ params, body }, { actor }) => service.resume(actor, params.id, body.reason),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/batch-predictions/:id/output',
      summary: 'The file that a batch prediction made',
      permission: 'read',
      params: byId,
      response: z.unknown(),
      handle: async ({ params }, { actor, reply }) => {
        const { digest, name, format } = await service.output(actor, params.id);
        reply.header('content-type', contentTypes[format]);
        reply.header('content-disposition', `attachment; filename="${name}"`);
        return blobs.get(digest);
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/batch-predictions/:id/window',
      summary: 'What a batch over a log, or a replay, reads, for its step; null while it is being written',
      permission: 'read',
      params: byId,
      response: batchWindowSchema,
      handle: async ({ params }, { actor }) => ({ digest: await service.window(actor, params.id) }),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/batch-predictions/:id/parts',
      summary: 'Parts of the output that are finished, and the input as it was read, for the next attempt',
      permission: 'read',
      params: byId,
      response: batchPartsSchema,
      handle: async ({ params }, { actor }) => ({
        items: [...(await service.parts(actor, params.id))],
        staged: await service.staged(actor, params.id),
      }),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/batch-predictions/:id/log-policy',
      summary:
        'What of its rows the step of a batch may write into the prediction log; told to the step alone',
      permission: 'read',
      params: byId,
      response: batchLogPolicySchema,
      handle: ({ params }, { actor }) => service.logPolicy(actor, params.id),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/batch-predictions/:id/staged',
      summary: 'The step keeps its CSV file as it has read it, for its next attempt',
      // As below.
      permission: 'read',
      params: byId,
      body: stagedInputSchema,
      response: z.object({}),
      handle: async ({ params, body }, { actor }) => {
        await service.keepStaged(actor, params.id, body);
        return {};
      },
    }),
    defineRoute({
      method: 'DELETE',
      path: '/api/v1/batch-predictions/:id/staged',
      summary: 'The step does not need that file any more',
      permission: 'read',
      params: byId,
      response: z.object({}),
      handle: async ({ params }, { actor }) => {
        await service.dropStaged(actor, params.id);
        return {};
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/batch-predictions/:id/parts',
      summary: 'The step keeps a finished part; the same part again changes nothing',
      // Its own step may do it, which may not write otherwise; the service asks everybody else for `serving:write`.
      permission: 'read',
      params: byId,
      body: batchPartSchema,
      response: z.object({}),
      handle: async ({ params, body }, { actor }) => {
        await service.keepPart(actor, params.id, body);
        return {};
      },
    }),
  ];
}

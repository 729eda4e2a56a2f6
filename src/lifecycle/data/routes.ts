import { z } from 'zod';
import { defineRoute, pageOf, pageQuery, type Route, readPage } from '../../platform/http/index.ts';
import {
  contractCheckRequestSchema,
  contractCheckSchema,
  datasetSchema,
  datasetVersionSchema,
  datasetVersionSummarySchema,
  registerDatasetRequestSchema,
  registerDatasetResponseSchema,
  timeSplitQuerySchema,
  timeSplitSchema,
} from './contract.ts';
import type { DataService } from './service.ts';

const byId = z.strictObject({ id: z.string() });

export function dataRoutes(service: DataService): readonly Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/datasets',
      summary: 'Lists datasets by name with their newest versions',
      permission: 'read',
      query: pageQuery,
      response: pageOf(datasetSchema),
      handle: ({ query }, { actor }) =>
        readPage(
          query,
          ({ limit, afterId }) => service.datasets(actor, limit, afterId),
          (dataset) => dataset.name,
        ),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/dataset-versions',
      summary: 'Lists dataset versions, newest first',
      permission: 'read',
      query: pageQuery.extend({ dataset: z.string().optional() }),
      response: pageOf(datasetVersionSummarySchema),
      handle: ({ query }, { actor }) =>
        readPage(
          query,
          (page) => service.versions(actor, { dataset: query.dataset, ...page }),
          (version) => version.id,
        ),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/dataset-versions',
      summary: 'Registers a CSV or Parquet file or an uploaded blob as a dataset version',
      permission: 'data:write',
      body: registerDatasetRequestSchema,
      response: registerDatasetResponseSchema,
      handle: ({ body }, { actor }) => service.register(actor, body),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/dataset-versions/:id',
      summary: 'A dataset version with its profile, contract and first rows',
      permission: 'read',
      params: byId,
      response: datasetVersionSchema,
      handle: ({ params }, { actor }) => service.version(actor, params.id),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/dataset-versions/:id/split',
      summary: 'Where a split by time falls for a hold-out ratio',
      permission: 'read',
      params: byId,
      query: timeSplitQuerySchema,
      response: timeSplitSchema,
      handle: ({ params, query }, { actor }) => service.split(actor, params.id, query.holdout),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/dataset-versions/:id/contract-checks',
      summary: 'Whether columns fit the data contract of a dataset version',
      permission: 'read',
      params: byId,
      body: contractCheckRequestSchema,
      response: contractCheckSchema,
      handle: ({ params, body }, { actor }) => service.check(actor, params.id, body.columns),
    }),
  ];
}

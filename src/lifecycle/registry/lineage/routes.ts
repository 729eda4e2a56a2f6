import { z } from 'zod';
import { defineRoute, type Route } from '../../../platform/http/index.ts';
import { datasetLineageQuerySchema, lineageSchema } from '../contract/lineage.ts';
import type { RegistryLineage } from './service.ts';

const byVersion = z.object({ name: z.string(), version: z.coerce.number().int().min(1) });

/** REST resources: where versions come from and where they went. */
export function lineageRoutes(lineage: RegistryLineage): readonly Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/registered-models/:name/versions/:version/lineage',
      summary: 'Read where a version comes from (data, run, logged model) and where it is deployed',
      permission: 'read',
      params: byVersion,
      response: lineageSchema,
      handle: ({ params }, { actor }) => lineage.ofVersion(actor, params.name, params.version),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/lineage',
      summary: 'Read which runs and versions came from a dataset, and where those are deployed',
      permission: 'read',
      query: datasetLineageQuerySchema,
      response: lineageSchema,
      handle: ({ query }, { actor }) => lineage.ofDataset(actor, query.dataset),
    }),
  ];
}

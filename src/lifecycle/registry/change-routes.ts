import { z } from 'zod';
import { defineRoute, type Route } from '../../platform/http/index.ts';
import { describeInputSchema, modelVersionSchema, registeredModelSchema } from './contract.ts';
import type { Registry } from './service.ts';
import { registeredModelWire, versionWire } from './wire.ts';

const byName = z.object({ name: z.string() });
const byVersion = byName.extend({ version: z.coerce.number().int().min(1) });

/** REST resources: describing and deleting registered models and their versions. */
export function changeRoutes(registry: Registry): readonly Route[] {
  return [
    defineRoute({
      method: 'PATCH',
      path: '/api/v1/registered-models/:name',
      summary: 'Describe a registered model',
      permission: 'registry:write',
      params: byName,
      body: describeInputSchema,
      response: registeredModelSchema,
      handle: async ({ params, body }, { actor }) =>
        registeredModelWire(await registry.updateModel(actor, params.name, body.description)),
    }),
    defineRoute({
      method: 'DELETE',
      path: '/api/v1/registered-models/:name',
      summary: 'Delete a registered model with all its versions',
      permission: 'registry:write',
      params: byName,
      response: z.undefined(),
      status: 204,
      async handle({ params }, { actor }) {
        await registry.deleteModel(actor, params.name);
        return undefined;
      },
    }),
    defineRoute({
      method: 'PATCH',
      path: '/api/v1/registered-models/:name/versions/:version',
      summary: 'Describe a model version',
      permission: 'registry:write',
      params: byVersion,
      body: describeInputSchema,
      response: modelVersionSchema,
      handle: async ({ params, body }, { actor }) =>
        versionWire(await registry.updateVersion(actor, params.name, params.version, body.description)),
    }),
    defineRoute({
      method: 'DELETE',
      path: '/api/v1/registered-models/:name/versions/:version',
      summary: 'Delete a model version; its number is not used again',
      permission: 'registry:write',
      params: byVersion,
      response: z.undefined(),
      status: 204,
      async handle({ params }, { actor }) {
        await registry.deleteVersion(actor, params.name, params.version);
        return undefined;
      },
    }),
  ];
}

import { defineRoute, pageOf, type Route } from '../../platform/http/index.ts';
import {
  exportRegisteredModelsQuerySchema,
  importedRegisteredModelsSchema,
  importRegisteredModelsSchema,
  transferRegisteredModelSchema,
} from './contract/transfer.ts';
import type { Registry } from './service.ts';

/** REST resources that carry registered models between servers. */
export function registryTransferRoutes(registry: Registry): readonly Route[] {
  return [
    defineRoute({
      method: 'POST',
      path: '/api/v1/imports/registered-models',
      summary: 'Write registered models as they are elsewhere, with the numbers of their versions',
      permission: 'transfer:write',
      body: importRegisteredModelsSchema,
      response: importedRegisteredModelsSchema,
      handle: async ({ body }, { actor }) => ({
        models: [...(await registry.importModels(actor, body.source, body.models))],
      }),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/exports/registered-models',
      summary: 'Read registered models and prompts as an import takes them',
      permission: 'read',
      query: exportRegisteredModelsQuerySchema,
      response: pageOf(transferRegisteredModelSchema),
      async handle({ query }, { actor }) {
        const { limit, after = '' } = query;
        const items = [...(await registry.exportModels(actor, limit, after))];
        return { items, next: items.length === limit ? (items.at(-1)?.name ?? null) : null };
      },
    }),
  ];
}

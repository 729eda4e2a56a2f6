import { z } from 'zod';
import { defineRoute, pageOf, type Route } from '../../platform/http/index.ts';
import { compareQuerySchema, versionComparisonSchema } from './contract/compare.ts';
import {
  aliasProtectionListQuerySchema,
  aliasProtectionSchema,
  historyEntrySchema,
  historyQuerySchema,
  protectAliasInputSchema,
} from './contract/history.ts';
import type { Registry } from './service.ts';

/** REST resources: the history of registered models, and which aliases are protected. */
export function historyRoutes(registry: Registry): readonly Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/registered-models/:name/history',
      summary: 'Read who changed what of a model and its versions, when and why, newest first',
      permission: 'read',
      params: z.object({ name: z.string() }),
      query: historyQuerySchema,
      response: pageOf(historyEntrySchema),
      async handle({ params, query }, { actor }) {
        const page = await registry.history(actor, params.name, query);
        return { items: [...page.items], next: page.next };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/registered-models/:name/compare',
      summary: 'Compare two versions: params, metrics, tags, data, signature, environment, code, gates',
      permission: 'read',
      params: z.object({ name: z.string() }),
      query: compareQuerySchema,
      response: versionComparisonSchema,
      handle: ({ params, query }, { actor }) => registry.compare(actor, params.name, query.from, query.to),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/alias-protections',
      summary: 'List which aliases are protected, of all models or of one',
      permission: 'read',
      query: aliasProtectionListQuerySchema,
      response: z.object({ items: z.array(aliasProtectionSchema) }),
      handle: async ({ query }, { actor }) => ({
        items: [...(await registry.aliasProtections(actor, query.model))],
      }),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/alias-protections',
      summary: 'Protect an alias, or a pattern of aliases, of one model or of every model',
      permission: 'registry:promote',
      body: protectAliasInputSchema,
      response: aliasProtectionSchema,
      status: 201,
      handle: ({ body }, { actor }) => registry.protectAlias(actor, body),
    }),
    defineRoute({
      method: 'DELETE',
      path: '/api/v1/alias-protections/:id',
      summary: 'Take a protection of aliases away',
      permission: 'registry:promote',
      params: z.object({ id: z.string() }),
      query: z.strictObject({ reason: z.string().trim().min(1).max(2000) }),
      response: z.undefined(),
      status: 204,
      async handle({ params, query }, { actor }) {
        await registry.unprotectAlias(actor, params.id, query.reason);
        return undefined;
      },
    }),
  ];
}

import { z } from 'zod';
import { countedPageOf, defineRoute, pageOf, type Route } from '../../platform/http/index.ts';
import { changeRoutes } from './change-routes.ts';
import {
  aliasMoveListQuerySchema,
  aliasMoveSchema,
  approvalInputSchema,
  modelVersionSchema,
  promoteInputSchema,
  registeredModelSchema,
  registryListQuerySchema,
  rollbackInputSchema,
  setAliasInputSchema,
} from './contract.ts';
import { historyRoutes } from './history-routes.ts';
import type { Registry } from './service.ts';
import { registryTransferRoutes } from './transfer-routes.ts';
import { registeredModelWire, versionWire } from './wire.ts';

const byName = z.object({ name: z.string() });
const byVersion = byName.extend({ version: z.coerce.number().int().min(1) });
const byAlias = byName.extend({ alias: z.string() });

/** An order as the service takes it. */
function clauses(orderBy: string | undefined): readonly string[] {
  return orderBy?.trim() ? [orderBy] : [];
}

/** REST resources: registered models, their versions, promotion, approvals and aliases. */
export function registryRoutes(registry: Registry): readonly Route[] {
  const grammar = 'millrace' as const;
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/registered-models',
      summary: 'List registered models',
      permission: 'read',
      query: registryListQuerySchema,
      response: countedPageOf(registeredModelSchema),
      async handle({ query }, { actor }) {
        const { filter, count, limit, after } = query;
        const orderBy = clauses(query.orderBy);
        const page = await registry.searchModels(actor, { filter, orderBy, grammar, count, limit, after });
        return { ...page, items: page.items.map(registeredModelWire) };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/registered-models/:name',
      summary: 'Read a registered model',
      permission: 'read',
      params: byName,
      response: registeredModelSchema,
      handle: async ({ params }, { actor }) =>
        registeredModelWire(await registry.getModel(actor, params.name)),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/registered-models/:name/versions',
      summary: 'List the versions of a registered model, newest first',
      permission: 'read',
      params: byName,
      query: registryListQuerySchema,
      response: countedPageOf(modelVersionSchema),
      async handle({ params, query }, { actor }) {
        await registry.getModel(actor, params.name);
        const asked = clauses(query.orderBy);
        const orderBy = asked.length > 0 ? asked : ['version_number DESC'];
        const { filter, count, limit, after } = query;
        const { name } = params;
        const page = await registry.searchVersions(actor, {
          name,
          filter,
          orderBy,
          grammar,
          count,
          limit,
          after,
        });
        return { ...page, items: page.items.map(versionWire) };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/registered-models/:name/versions/:version',
      summary: 'Read a model version with its gates, approvals and aliases',
      permission: 'read',
      params: byVersion,
      response: modelVersionSchema,
      handle: async ({ params }, { actor }) =>
        versionWire(await registry.getVersion(actor, params.name, params.version)),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/registered-models/:name/versions/:version/approvals',
      summary: 'Approve or refuse a model version',
      permission: 'registry:approve',
      params: byVersion,
      body: approvalInputSchema,
      response: modelVersionSchema,
      status: 201,
      handle: async ({ params, body }, { actor }) =>
        versionWire(await registry.approve(actor, params.name, params.version, body)),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/registered-models/:name/promote',
      summary: 'Make a version the champion and take the challenger alias away',
      permission: 'registry:promote',
      params: byName,
      body: promoteInputSchema,
      response: modelVersionSchema,
      handle: async ({ params, body }, { actor }) =>
        versionWire(await registry.promote(actor, params.name, body)),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/registered-models/:name/rollback',
      summary: 'Make the previous champion the champion again',
      permission: 'registry:promote',
      params: byName,
      body: rollbackInputSchema,
      response: modelVersionSchema,
      handle: async ({ params, body }, { actor }) =>
        versionWire(await registry.rollback(actor, params.name, body)),
    }),
    defineRoute({
      method: 'PUT',
      path: '/api/v1/registered-models/:name/aliases/:alias',
      summary: 'Point an alias at a version',
      permission: 'registry:write',
      params: byAlias,
      body: setAliasInputSchema,
      response: registeredModelSchema,
      async handle({ params, body }, { actor }) {
        await registry.setAlias(actor, { ...params, ...body });
        return registeredModelWire(await registry.getModel(actor, params.name));
      },
    }),
    defineRoute({
      method: 'DELETE',
      path: '/api/v1/registered-models/:name/aliases/:alias',
      summary: 'Take an alias away',
      permission: 'registry:write',
      params: byAlias,
      query: z.strictObject({ reason: z.string().trim().min(1).max(2000) }),
      response: registeredModelSchema,
      async handle({ params, query }, { actor }) {
        await registry.clearAlias(actor, { ...params, ...query });
        return registeredModelWire(await registry.getModel(actor, params.name));
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/registered-models/:name/alias-moves',
      summary: 'Read who moved which alias when and why, newest first',
      permission: 'read',
      params: byName,
      query: aliasMoveListQuerySchema,
      response: pageOf(aliasMoveSchema),
      async handle({ params, query }, { actor }) {
        const page = await registry.aliasMoves(actor, params.name, query);
        return { items: [...page.items], next: page.next };
      },
    }),
    ...changeRoutes(registry),
    ...historyRoutes(registry),
    ...registryTransferRoutes(registry),
  ];
}

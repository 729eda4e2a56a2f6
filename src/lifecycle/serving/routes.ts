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
import { busyPlace, busyPlaceSchema } from './busiest.ts';
import {
  createOverrideTokenSchema,
  declareEndpointSchema,
  endpointLifeSchema,
  endpointOrderSchema,
  endpointSchema,
  overrideTokenSchema,
  retireEndpointSchema,
  routeVersionSchema,
} from './contract.ts';
import { replicaRoutes } from './replica-routes.ts';
import type { ServingService } from './service.ts';
import { trafficRoutes } from './traffic-routes.ts';

const byName = z.strictObject({ name: z.string() });

export function servingRoutes(service: ServingService): readonly Route[] {
  return [...endpointRoutes(service), ...trafficRoutes(service), ...replicaRoutes(service)];
}

function endpointRoutes(service: ServingService): readonly Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/endpoints',
      summary:
        'Lists endpoints with their routes and replicas: by name, or those with the most predictions or failures in the last five minutes first',
      permission: 'read',
      query: pageQuery.extend({
        order: endpointOrderSchema.default('name'),
        life: endpointLifeSchema.default('active'),
      }),
      response: pageOf(endpointSchema),
      handle: async ({ query: { order, life, ...query } }, { actor }) => {
        // What is retired is asked by nobody.
        if (order === 'name' || life !== 'active') {
          return readPage(
            query,
            ({ limit, afterId }) => service.endpoints(actor, life, { limit, after: afterId }),
            (endpoint) => endpoint.name,
          );
        }
        const after = query.after === undefined ? undefined : decodePageToken(query.after, busyPlaceSchema);
        const endpoints = await service.busiest(actor, order, { after, limit: query.limit + 1 });
        return toPage(endpoints, query.limit, (endpoint) => busyPlace(order, endpoint));
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/endpoints',
      summary: 'Declares an endpoint; the same again changes nothing',
      permission: 'serving:write',
      body: declareEndpointSchema,
      response: endpointSchema,
      handle: async ({ body }, { actor }) => {
        const { name } = await service.declare(actor, body);
        return service.endpointWithWarnings(actor, name);
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/endpoints/:name',
      summary: 'An endpoint with its route and replicas',
      permission: 'read',
      params: byName,
      response: endpointSchema,
      stateOf: ({ replicas: _, lately: __, warnings: ___, ...endpoint }) => endpoint,
      handle: ({ params }, { actor }) => service.endpointWithWarnings(actor, params.name),
    }),
    defineRoute({
      method: 'DELETE',
      path: '/api/v1/endpoints/:name',
      summary:
        'Retires an endpoint: nothing answers there, and lists leave it out; its log and history stay, and a deployment brings it back',
      permission: 'serving:write',
      params: byName,
      body: retireEndpointSchema,
      response: endpointSchema,
      handle: ({ params, body }, { actor }) => service.retire(actor, params.name, body.reason),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/endpoints/:name/route-versions',
      summary: 'The history of an endpoint, newest first',
      permission: 'read',
      params: byName,
      query: pageQuery,
      response: pageOf(routeVersionSchema),
      handle: async ({ params, query: { limit, after } }, { actor }) => {
        const before = after === undefined ? undefined : decodePageToken(after, z.int());
        const items = await service.routeVersions(actor, params.name, { limit: limit + 1, before });
        return toPage(items, limit, (route) => route.version);
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/endpoints/:name/override-tokens',
      summary:
        'A token with which requests choose their arm; they are logged as overrides and judged by nobody',
      permission: 'serving:write',
      params: byName,
      body: createOverrideTokenSchema,
      response: overrideTokenSchema,
      handle: ({ params, body }, { actor }) => service.createOverrideToken(actor, params.name, body),
    }),
  ];
}

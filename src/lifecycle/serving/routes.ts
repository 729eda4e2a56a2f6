import { z } from 'zod';
import {
  decodePageToken,
  defineRoute,
  pageOf,
  pageQuery,
  type Route,
  type RouteContext,
  readPage,
  toPage,
} from '../../platform/http/index.ts';
import { busyPlace, busyPlaceSchema } from './busiest.ts';
import {
  challengeSchema,
  createOverrideTokenSchema,
  declareEndpointSchema,
  deployVersionSchema,
  type Endpoint,
  endpointLifeSchema,
  endpointOrderSchema,
  endpointSchema,
  overrideTokenSchema,
  promoteEndpointSchema,
  promoteToSchema,
  replicaSchema,
  replicaStatusSchema,
  retireEndpointSchema,
  rollbackEndpointSchema,
  routeVersionSchema,
  type StreamMessage,
  setShadowSchema,
  setWeightSchema,
  splitSchema,
  standbySchema,
  streamQuerySchema,
  switchSchema,
  withdrawSchema,
} from './contract.ts';
import type { ServingService } from './service.ts';

const byName = z.strictObject({ name: z.string() });
const byId = z.strictObject({ id: z.string().min(1).max(200) });
/** How long to wait until all connected replicas answer by the new route. */
const waitQuery = z.strictObject({ waitMs: z.coerce.number().int().min(0).max(60_000).default(0) });

export function servingRoutes(service: ServingService): readonly Route[] {
  const lineOf = rememberedLine();
  const change = <B extends z.ZodType>(
    verb: string,
    summary: string,
    body: B,
    run: (name: string, body: z.output<B>, context: RouteContext) => Promise<Endpoint>,
  ): Route =>
    defineRoute({
      method: 'POST',
      path: `/api/v1/endpoints/:name/${verb}`,
      summary,
      permission: 'serving:write',
      params: byName,
      query: waitQuery,
      body,
      response: endpointSchema,
      handle: async ({ params, query, body: input }, context) => {
        const changed = await run(params.name, input as z.output<B>, context);
        if (query.waitMs === 0) return changed;
        await service.settled(changed.name, changed.routeVersion, {
          timeoutMs: query.waitMs,
          signal: context.signal,
        });
        return service.endpoint(context.actor, changed.name);
      },
    });

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
    change('deploy', 'Gives a version all traffic', deployVersionSchema, (name, body, { actor }) =>
      service.deploy(actor, name, body, body.reason),
    ),
    change(
      'challenge',
      'Gives a challenger a share of the traffic',
      challengeSchema,
      (name, body, { actor }) =>
        service.challenge(actor, name, body, body.weight, body.reason, body.shadowRest),
    ),
    change(
      'weight',
      "Changes an arm's share; the champion has the rest",
      setWeightSchema,
      (name, body, { actor }) => service.setWeights(actor, name, { [body.arm]: body.weight }, body.reason),
    ),
    change(
      'shadow',
      'Sends copies of the traffic to a version, or ends that',
      setShadowSchema,
      (name, body, { actor }) => service.setShadow(actor, name, body.shadow, body.reason),
    ),
    change(
      'split',
      'Splits the traffic between the champion and any number of named versions',
      splitSchema,
      (name, body, { actor }) => service.split(actor, name, body.arms, body.reason),
    ),
    change(
      'standby',
      'Keeps a version loaded and warm without traffic',
      standbySchema,
      (name, body, { actor }) => service.standby(actor, name, body, body.reason),
    ),
    change('switch', 'Has champion and standby change places', switchSchema, (name, body, { actor }) =>
      service.switchOver(actor, name, body.reason),
    ),
    change('promote', 'Makes an arm the champion', promoteEndpointSchema, (name, body, { actor }) =>
      service.promote(actor, name, body.reason, body.modelVersion?.toString(), body),
    ),
    change(
      'promote-to',
      'Sends the champion on to another endpoint, as from staging to production; answers with that one',
      promoteToSchema,
      (name, body, { actor }) => service.promoteTo(actor, name, body, body.reason),
    ),
    change(
      'withdraw',
      'Gives the champion all traffic again, or that of one arm',
      withdrawSchema,
      (name, body, { actor }) => service.withdraw(actor, name, body.reason, body.arm),
    ),
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
    change('rollback', 'Goes back to an earlier champion', rollbackEndpointSchema, (name, body, { actor }) =>
      service.rollback(actor, name, body.reason, body.toRouteVersion),
    ),
    defineRoute({
      method: 'GET',
      path: '/api/v1/replicas',
      summary: 'Lists the serve processes that follow this control',
      permission: 'read',
      response: pageOf(replicaSchema),
      handle: async (_, { actor }) => ({ items: [...service.replicas(actor)], next: null }),
    }),
    defineRoute({
      method: 'DELETE',
      path: '/api/v1/replicas/:id',
      summary: 'Forgets a replica that will not come back',
      permission: 'serving:write',
      params: byId,
      body: withdrawSchema,
      response: z.undefined(),
      handle: async ({ params, body }, { actor }) => {
        await service.forgetReplica(actor, params.id, body.reason);
        return undefined;
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/replicas/:id/status',
      summary: 'A replica tells what it serves',
      permission: 'serving:write',
      params: byId,
      body: replicaStatusSchema,
      response: z.undefined(),
      handle: async ({ params, body }, { actor }) => {
        await service.reportReplica(actor, params.id, body);
        return undefined;
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/replicas/:id/stream',
      summary: 'Routes and requests for a replica, one JSON object a line',
      permission: 'serving:write',
      params: byId,
      query: streamQuerySchema,
      response: z.undefined(),
      handle: async ({ params, query: { instance } }, { actor, reply }) => {
        await service.admitReplica(actor, params.id, instance);
        reply.hijack();
        reply.raw.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' });
        const closed = new Promise<void>((resolve) => reply.raw.once('close', resolve));
        const send = (message: StreamMessage) => void reply.raw.write(lineOf(message));
        try {
          await service.attachReplica(actor, params.id, send, closed, instance);
        } finally {
          // Where it could not be followed the replica connects again; one that is gone reads no end.
          reply.raw.destroy();
        }
        return undefined;
      },
    }),
  ];
}

/** Messages as lines. One goes to many replicas, and a table of routes may have hundreds of kilobytes. */
function rememberedLine(): (message: StreamMessage) => string {
  let last: { readonly message: StreamMessage; readonly line: string } | null = null;
  return (message) => {
    if (last?.message !== message) last = { message, line: `${JSON.stringify(message)}\n` };
    return last.line;
  };
}

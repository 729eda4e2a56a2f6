import { z } from 'zod';
import { defineRoute, type Route, type RouteContext } from '../../platform/http/index.ts';
import {
  challengeSchema,
  deployVersionSchema,
  type Endpoint,
  endpointSchema,
  promoteEndpointSchema,
  promoteToSchema,
  rollbackEndpointSchema,
  setShadowSchema,
  setWeightSchema,
  splitSchema,
  standbySchema,
  switchSchema,
  withdrawSchema,
} from './contract.ts';
import type { ServingService } from './service.ts';

const byName = z.strictObject({ name: z.string() });
/** How long to wait until all connected replicas answer by the new route. */
const waitQuery = z.strictObject({ waitMs: z.coerce.number().int().min(0).max(60_000).default(0) });

/** Changes of who has an endpoint's traffic; each may wait until the replicas answer by it. */
export function trafficRoutes(service: ServingService): readonly Route[] {
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
    change('rollback', 'Goes back to an earlier champion', rollbackEndpointSchema, (name, body, { actor }) =>
      service.rollback(actor, name, body.reason, body.toRouteVersion),
    ),
  ];
}

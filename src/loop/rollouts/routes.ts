import { z } from 'zod';
import { defineRoute, pageOf, pageQuery, type Route, readPage } from '../../platform/http/index.ts';
import {
  advanceRolloutSchema,
  createRolloutSchema,
  endpointRolloutSchema,
  promoteRolloutSchema,
  rolloutListQuerySchema,
  rolloutReasonSchema,
  shadowEvidenceQuerySchema,
  shadowEvidenceSchema,
} from '../contract.ts';
import type { RolloutService } from './rollout-service.ts';

const byName = z.strictObject({ name: z.string() });
const byId = z.strictObject({ name: z.string(), id: z.string() });

/** Routes of rollouts, and of what a shadow says. */
export function rolloutRoutes(rollouts: RolloutService): readonly Route[] {
  const acts = [
    ['pause', 'Holds a rollout where it is; harm is still acted on'],
    ['resume', 'Lets a held rollout go on'],
    ['abort', 'Ends a rollout; the champion has all traffic again'],
    ['rollback', 'After a promotion: the champion from before has all traffic again'],
  ] as const;
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/rollouts',
      summary:
        "Lists rollouts of all endpoints, those of loops' turns too, each with a summary: open ones unless asked, newest first",
      permission: 'read',
      query: pageQuery.extend(rolloutListQuerySchema.shape),
      response: pageOf(endpointRolloutSchema),
      handle: ({ query }, { actor }) =>
        readPage(
          query,
          ({ limit, afterId }) => rollouts.listAll(actor, query, { afterId, limit }),
          (rollout) => rollout.id,
        ),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/endpoints/:name/rollouts',
      summary: 'Lists the rollouts of an endpoint, newest first',
      permission: 'read',
      params: byName,
      query: pageQuery,
      response: pageOf(endpointRolloutSchema),
      handle: ({ params, query }, { actor }) =>
        readPage(
          query,
          ({ limit, afterId }) => rollouts.list(actor, params.name, { beforeId: afterId, limit }),
          (rollout) => rollout.id,
        ),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/endpoints/:name/rollouts',
      summary: 'Begins a canary, a fixed split or a bandit; it is judged and moved on by what comes of it',
      permission: 'serving:write',
      params: byName,
      body: createRolloutSchema,
      response: endpointRolloutSchema,
      handle: ({ params, body }, { actor }) => rollouts.create(actor, params.name, body),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/endpoints/:name/rollouts/:id',
      summary: 'A rollout with its plan, its last look and its decisions',
      permission: 'read',
      params: byId,
      response: endpointRolloutSchema,
      // What was decided, not what is counted: that changes while one looks at it.
      stateOf: ({ state, plan, step, decisions }) => [state, plan, step, decisions],
      handle: ({ params }, { actor }) => rollouts.get(actor, params.name, params.id),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/endpoints/:name/shadow',
      summary:
        'What the shadow says beside the champion: scores, decisions, latency, and outcomes where labelled',
      permission: 'read',
      params: byName,
      query: shadowEvidenceQuerySchema,
      response: shadowEvidenceSchema,
      handle: ({ params, query }, { actor }) => rollouts.shadow(actor, params.name, query),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/endpoints/:name/rollouts/:id/advance',
      summary: 'Goes on to the next step of a canary without waiting',
      permission: 'serving:write',
      params: byId,
      body: advanceRolloutSchema,
      response: endpointRolloutSchema,
      handle: ({ params, body }, { actor }) =>
        rollouts.advance(actor, params.name, params.id, body.reason, body.percent),
    }),
    ...acts.map(([action, summary]) =>
      defineRoute({
        method: 'POST',
        path: `/api/v1/endpoints/:name/rollouts/:id/${action}`,
        summary,
        permission: 'serving:write',
        params: byId,
        body: rolloutReasonSchema,
        response: endpointRolloutSchema,
        handle: ({ params, body }, { actor }) => rollouts[action](actor, params.name, params.id, body.reason),
      }),
    ),
    defineRoute({
      method: 'POST',
      path: '/api/v1/endpoints/:name/rollouts/:id/promote',
      summary: 'Makes an arm of a rollout the champion; the one before stays warm',
      permission: 'serving:write',
      params: byId,
      body: promoteRolloutSchema,
      response: endpointRolloutSchema,
      handle: ({ params, body }, { actor }) =>
        rollouts.promote(actor, params.name, params.id, body.reason, body.arm),
    }),
  ];
}

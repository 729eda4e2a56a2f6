import { z } from 'zod';
import {
  decodePageToken,
  defineRoute,
  pageOf,
  pageQuery,
  type Route,
  readPage,
  toPage,
} from '../platform/http/index.ts';
import {
  applyLoopSchema,
  applyResultSchema,
  deploymentSchema,
  deployVersionInputSchema,
  loopSchema,
  loopVersionSchema,
  reasonInputSchema,
  triggerInputSchema,
  turnSchema,
  turnSummarySchema,
} from './contract.ts';
import type { DeploymentService } from './deployment-service.ts';
import type { LoopService } from './loop-service.ts';
import type { TurnService } from './turn-service.ts';

const byName = z.strictObject({ name: z.string() });
const byId = z.strictObject({ id: z.string() });

/** Routes below /api/v1/loops and /api/v1/turns. */
export function loopRoutes(
  loops: LoopService,
  turns: TurnService,
  deployments: DeploymentService,
): readonly Route[] {
  return [...loopResource(loops), ...turnResource(loops, turns), deploymentRoute(deployments)];
}

function deploymentRoute(deployments: DeploymentService): Route {
  return defineRoute({
    method: 'POST',
    path: '/api/v1/deployments',
    summary:
      'Has a registered version answer at an endpoint; ask again until its state is "deployed" or it tells a failure',
    permission: 'serving:write',
    body: deployVersionInputSchema,
    response: deploymentSchema,
    handle: ({ body }, { actor }) => deployments.deploy(actor, body),
  });
}

function loopResource(loops: LoopService): readonly Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/loops',
      summary: 'Lists loops by name, each with its turn under way',
      permission: 'read',
      query: pageQuery,
      response: pageOf(loopSchema),
      handle: ({ query }, { actor }) =>
        readPage(
          query,
          ({ limit, afterId }) => loops.list(actor, limit, afterId),
          (loop) => loop.name,
        ),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/loops',
      summary: 'Applies a loop file; the same again changes nothing',
      permission: 'loop:write',
      body: applyLoopSchema,
      response: applyResultSchema,
      handle: ({ body }, { actor }) => loops.apply(actor, body),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/loops/:name',
      summary: 'A loop: its file, its turn under way, what it waits for, and whether it is idle',
      permission: 'read',
      params: byName,
      response: loopSchema,
      handle: ({ params }, { actor }) => loops.get(actor, params.name),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/loops/:name/versions',
      summary: 'The loop files that were applied, newest first',
      permission: 'read',
      params: byName,
      query: pageQuery,
      response: pageOf(loopVersionSchema),
      handle: async ({ params, query: { limit, after } }, { actor }) => {
        const before = after === undefined ? undefined : decodePageToken(after, z.number());
        const versions = await loops.versions(actor, params.name, limit + 1, before);
        return toPage(versions, limit, (version) => version.version);
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/loops/:name/trigger',
      summary: 'Asks for a turn now, perhaps with other parameters or data',
      permission: 'loop:write',
      params: byName,
      body: triggerInputSchema,
      response: loopSchema,
      handle: ({ params, body }, { actor }) => loops.trigger(actor, params.name, body),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/loops/:name/pause',
      summary: 'Holds a loop; harm of a rollout is still acted on',
      permission: 'loop:write',
      params: byName,
      body: reasonInputSchema,
      response: loopSchema,
      handle: ({ params, body }, { actor }) => loops.pause(actor, params.name, body.reason),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/loops/:name/resume',
      summary: 'Lets a held loop go on',
      permission: 'loop:write',
      params: byName,
      body: reasonInputSchema,
      response: loopSchema,
      handle: ({ params, body }, { actor }) => loops.resume(actor, params.name, body.reason),
    }),
  ];
}

function turnResource(loops: LoopService, turns: TurnService): readonly Route[] {
  const decisions = [
    ['approve', 'Lets a turn that waits for a person go on', 'registry:approve'],
    ['reject', 'Refuses a turn that waits for a person', 'registry:approve'],
    ['abort', 'Ends a turn at once; the champion has all traffic again', 'loop:write'],
    ['retry', 'Goes on with a failed turn where it failed', 'loop:write'],
  ] as const;
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/turns',
      summary: 'Lists turns, newest first',
      permission: 'read',
      query: pageQuery.extend({ loop: z.string().optional() }),
      response: pageOf(turnSummarySchema),
      handle: ({ query }, { actor }) =>
        readPage(
          query,
          ({ limit, afterId }) => loops.turns(actor, { loop: query.loop, beforeId: afterId, limit }),
          (turn) => turn.id,
        ),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/turns/:id',
      summary: 'A turn with its transitions, steps, gates and rollout',
      permission: 'read',
      params: byId,
      response: turnSchema,
      handle: ({ params }, { actor }) => loops.turn(actor, params.id),
    }),
    ...decisions.map(([action, summary, permission]) =>
      defineRoute({
        method: 'POST',
        path: `/api/v1/turns/:id/${action}`,
        summary,
        permission,
        params: byId,
        body: reasonInputSchema,
        response: turnSchema,
        handle: async ({ params, body }, { actor }) => {
          await turns[action](actor, params.id, body.reason);
          return loops.turn(actor, params.id);
        },
      }),
    ),
  ];
}

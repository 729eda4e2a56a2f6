import { z } from 'zod';
import { defineRoute, pageOf, pageQuery, type Route, readPage } from '../../../platform/http/index.ts';
import {
  cancelReplaySchema,
  createReplaySchema,
  deletedReplaySchema,
  deleteReplaySchema,
  replaySchema,
} from '../contract.ts';
import type { ReplayService } from './replay-service.ts';

export function replayRoutes(replays: ReplayService): readonly Route[] {
  return [
    defineRoute({
      method: 'POST',
      path: '/api/v1/replays',
      summary:
        'Has another version predict what was logged in a span of time, and compares; begun with the answer',
      permission: 'feedback:write',
      body: createReplaySchema,
      response: replaySchema,
      status: 202,
      handle: ({ body }, { actor }) => replays.create(actor, body),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/replays',
      summary: 'Lists replays, of an endpoint or of all, newest first',
      permission: 'read',
      query: pageQuery.extend({ endpoint: z.string().min(1).optional() }),
      response: pageOf(replaySchema),
      handle: ({ query }, { actor }) =>
        readPage(
          query,
          (page) => replays.list(actor, page, query.endpoint),
          (replay) => replay.id,
        ),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/replays/:id',
      summary: 'One replay: differences, and metrics where labels are there',
      permission: 'read',
      params: z.strictObject({ id: z.string() }),
      response: replaySchema,
      handle: ({ params }, { actor }) => replays.get(actor, params.id),
    }),
    defineRoute({
      method: 'DELETE',
      path: '/api/v1/replays/:id',
      summary: 'Deletes a replay that has ended, with the files that it made',
      permission: 'feedback:write',
      params: z.strictObject({ id: z.string() }),
      body: deleteReplaySchema,
      response: deletedReplaySchema,
      handle: ({ params, body }, { actor }) => replays.delete(actor, params.id, body.reason),
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/replays/:id/cancel',
      summary: 'Stops a replay; one that has ended stays as it is',
      permission: 'feedback:write',
      params: z.strictObject({ id: z.string() }),
      body: cancelReplaySchema,
      response: replaySchema,
      handle: ({ params, body }, { actor }) => replays.cancel(actor, params.id, body.reason),
    }),
  ];
}

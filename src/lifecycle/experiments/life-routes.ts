import { z } from 'zod';
import { formatTime } from '../../core/time.ts';
import { defineRoute, pageOf, pageQuery, type Route } from '../../platform/http/index.ts';
import {
  deleteRunsSchema,
  newPurgeSchema,
  purgeStartedSchema,
  restoreExperimentSchema,
  trashItemSchema,
} from './contract/life.ts';
import { experimentSchema, loggedModelSchema, runSchema } from './contract.ts';
import type { Purges } from './service/purges.ts';
import type { Experiments } from './service.ts';
import { experimentWire, loggedModelWire, runWire } from './wire.ts';

const byId = z.object({ id: z.string() });
const permission = 'experiments:write';

/** REST: deleting, bringing back, and purging what was deleted. */
export function lifeRoutes(tracking: Experiments, purges: Purges): readonly Route[] {
  const { experiments, runs, trash, models } = tracking;
  const nothing = { permission, params: byId, response: z.undefined(), status: 204 } as const;
  return [
    defineRoute({
      method: 'DELETE',
      path: '/api/v1/experiments/:id',
      summary: 'Delete an experiment with its runs; its name is free at once',
      ...nothing,
      async handle({ params }, { actor }) {
        await experiments.discard(actor, params.id);
        return undefined;
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/experiments/:id/restore',
      summary: 'Bring a deleted experiment and its runs back',
      permission,
      params: byId,
      body: restoreExperimentSchema,
      response: experimentSchema,
      async handle({ params, body }, { actor }) {
        await experiments.restore(actor, params.id, body.name);
        return experimentWire(await experiments.get(actor, params.id));
      },
    }),
    defineRoute({
      method: 'DELETE',
      path: '/api/v1/runs/:id',
      summary: 'Delete a run',
      ...nothing,
      async handle({ params }, { actor }) {
        await runs.delete(actor, params.id);
        return undefined;
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/runs/:id/restore',
      summary: 'Bring a deleted run back',
      permission,
      params: byId,
      response: runSchema,
      async handle({ params }, { actor }) {
        await runs.restore(actor, params.id);
        return runWire(await runs.get(actor, params.id));
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/runs/delete',
      summary: 'Delete the runs of an experiment that a filter finds',
      permission,
      body: deleteRunsSchema,
      response: z.object({ deleted: z.number().int() }),
      handle: async ({ body }, { actor }) => ({
        deleted: await runs.deleteWhere(actor, body.experimentId, body.filter),
      }),
    }),
    defineRoute({
      method: 'DELETE',
      path: '/api/v1/logged-models/:id',
      summary: 'Delete a logged model',
      ...nothing,
      async handle({ params }, { actor }) {
        await models.delete(actor, params.id);
        return undefined;
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/logged-models/:id/restore',
      summary: 'Bring a deleted logged model back',
      permission,
      params: byId,
      response: loggedModelSchema,
      async handle({ params }, { actor }) {
        await models.restore(actor, params.id);
        return loggedModelWire(await models.get(actor, params.id));
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/trash',
      summary: 'What is deleted and can be brought back, the last first',
      permission: 'read',
      query: pageQuery,
      response: pageOf(trashItemSchema),
      async handle({ query }, { actor }) {
        const page = await trash.list(actor, query);
        return {
          items: page.items.map((row) => ({
            kind: row.kind,
            id: row.id,
            name: row.name,
            experimentId: String(row.experiment_id),
            deletedAt: formatTime(row.deleted_at_ms),
            deletedBy: row.deleted_by,
            purgeableAt: purges.purgeableAt(row.deleted_at_ms),
          })),
          next: page.next,
        };
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/purges',
      summary: 'Remove for good what was deleted, or count it; a step run to follow',
      permission: 'pipelines:write',
      body: newPurgeSchema,
      response: purgeStartedSchema,
      status: 202,
      handle: async ({ body }, { actor }) => ({ stepRunId: await purges.ask(actor, body) }),
    }),
  ];
}

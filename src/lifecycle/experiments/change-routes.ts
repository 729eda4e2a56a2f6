import { z } from 'zod';
import { defineRoute, type Route } from '../../platform/http/index.ts';
import { experimentChangeSchema, experimentSchema, newExperimentSchema } from './contract.ts';
import type { Experiments } from './service.ts';
import { experimentWire } from './wire.ts';

const byId = z.object({ id: z.string() });

/** REST resources: making and changing experiments. Runs are made by the clients that log to them. */
export function changeRoutes({ experiments }: Pick<Experiments, 'experiments'>): readonly Route[] {
  return [
    defineRoute({
      method: 'POST',
      path: '/api/v1/experiments',
      summary: 'Create an experiment',
      permission: 'experiments:write',
      body: newExperimentSchema,
      response: experimentSchema,
      status: 201,
      async handle({ body }, { actor }) {
        const tags = Object.entries(body.tags).map(([key, value]) => ({ key, value }));
        const id = await experiments.create(actor, { name: body.name, tags });
        return experimentWire(await experiments.get(actor, id));
      },
    }),
    defineRoute({
      method: 'PATCH',
      path: '/api/v1/experiments/:id',
      summary: 'Rename an experiment, or set and take away its tags',
      permission: 'experiments:write',
      params: byId,
      body: experimentChangeSchema,
      response: experimentSchema,
      async handle({ params, body }, { actor }) {
        const { id } = await experiments.get(actor, params.id);
        if (body.name !== undefined) await experiments.rename(actor, id, body.name);
        for (const [key, value] of Object.entries(body.tags ?? {})) {
          if (value === null) await experiments.deleteTag(actor, id, key);
          else await experiments.setTag(actor, id, { key, value });
        }
        return experimentWire(await experiments.get(actor, id));
      },
    }),
  ];
}

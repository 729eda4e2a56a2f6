import { z } from 'zod';
import { defineRoute, pageOf, type Route } from '../../platform/http/index.ts';
import { changeRoutes } from './change-routes.ts';
import { codeStateSchema } from './contract/code.ts';
import {
  artifactContentQuerySchema,
  artifactEntrySchema,
  artifactListQuerySchema,
  experimentSchema,
  loggedModelSchema,
  runDetailSchema,
} from './contract.ts';
import { sendFile } from './file-reply.ts';
import { metricRoutes } from './metric-routes.ts';
import type { LoggedModelRecord } from './records.ts';
import { searchRoutes } from './search-routes.ts';
import { codeOf } from './service/code-state.ts';
import type { Experiments } from './service.ts';
import { traceRoutes } from './traces/routes.ts';
import { transferRoutes } from './transfer-routes.ts';
import { datasetWire, experimentWire, loggedModelWire, runWire } from './wire.ts';

const byId = z.object({ id: z.string() });
const files = z.unknown().describe('the bytes of the file');

/** REST resources: experiments, runs, logged models and their artifacts. */
export function experimentsRoutes(tracking: Experiments): readonly Route[] {
  const { experiments, runs, metrics, models, artifacts } = tracking;

  return [
    ...searchRoutes(tracking),
    ...changeRoutes(tracking),
    defineRoute({
      method: 'GET',
      path: '/api/v1/experiments/:id',
      summary: 'Read an experiment',
      permission: 'read',
      params: byId,
      response: experimentSchema,
      handle: async ({ params }, { actor }) => experimentWire(await experiments.get(actor, params.id)),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/runs/:id',
      summary: 'Read a run with its inputs and the models it logged',
      permission: 'read',
      params: byId,
      response: runDetailSchema,
      async handle({ params }, { actor }) {
        const run = await runs.get(actor, params.id);
        const experiment = await experiments.get(actor, run.experimentId);
        const logged = await models.ofRun(actor, run.id);
        return {
          ...runWire(run),
          experimentName: experiment.name,
          inputs: run.inputs.map(datasetWire),
          models: logged.map(loggedModelWire),
          code: codeOf(run),
        };
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/runs/code',
      summary: 'Tell the code and environment of the runs that the calling step made',
      permission: 'experiments:write',
      body: codeStateSchema,
      response: z.object({ runs: z.number().int() }),
      handle: async ({ body }, { actor }) => ({ runs: await tracking.code.record(actor, body) }),
    }),
    ...metricRoutes(metrics),
    defineRoute({
      method: 'GET',
      path: '/api/v1/runs/:id/artifacts',
      summary: "List a folder of a run's artifacts",
      permission: 'read',
      params: byId,
      query: artifactListQuerySchema,
      emptyQuery: ['path'],
      response: pageOf(artifactEntrySchema),
      async handle({ params, query }, { actor }) {
        const run = await runs.get(actor, params.id);
        return { items: [...(await artifacts.listRoot(actor, run.artifactUri, query.path))], next: null };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/runs/:id/artifact-content',
      summary: "Read a file of a run's artifacts",
      permission: 'read',
      params: byId,
      query: artifactContentQuerySchema,
      response: files,
      async handle({ params, query }, { actor, request, reply }) {
        const run = await runs.get(actor, params.id);
        const file = await artifacts.open(actor, run.artifactUri, query.path);
        return sendFile(request, reply, file, 'inline');
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/logged-models/:id',
      summary: 'Read a logged model',
      permission: 'read',
      params: byId,
      response: loggedModelSchema,
      handle: async ({ params }, { actor }) => loggedModelWire(await models.get(actor, params.id)),
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/logged-models/:id/artifacts',
      summary: "List a folder of a logged model's artifacts",
      permission: 'read',
      params: byId,
      query: artifactListQuerySchema,
      emptyQuery: ['path'],
      response: pageOf(artifactEntrySchema),
      async handle({ params, query }, { actor }) {
        const model: LoggedModelRecord = await models.get(actor, params.id);
        return { items: [...(await artifacts.listRoot(actor, model.artifactUri, query.path))], next: null };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/logged-models/:id/artifact-content',
      summary: "Read a file of a logged model's artifacts",
      permission: 'read',
      params: byId,
      query: artifactContentQuerySchema,
      response: files,
      async handle({ params, query }, { actor, request, reply }) {
        const model = await models.get(actor, params.id);
        const file = await artifacts.open(actor, model.artifactUri, query.path);
        return sendFile(request, reply, file, 'inline');
      },
    }),
    ...traceRoutes(tracking.traces),
    ...transferRoutes(tracking),
  ];
}

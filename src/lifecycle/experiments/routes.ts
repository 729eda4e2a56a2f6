import { z } from 'zod';
import { defineRoute, pageOf, type Route } from '../../platform/http/index.ts';
import {
  artifactContentQuerySchema,
  artifactEntrySchema,
  artifactListQuerySchema,
  experimentListQuerySchema,
  experimentSchema,
  loggedModelListQuerySchema,
  loggedModelSchema,
  loggedModelWithFilesSchema,
  runDetailSchema,
  runListQuerySchema,
  runSchema,
} from './contract.ts';
import { sendFile } from './file-reply.ts';
import { metricRoutes } from './metric-routes.ts';
import type { LoggedModelRecord } from './records.ts';
import type { Experiments } from './service.ts';
import { traceRoutes } from './traces/routes.ts';
import { transferRoutes } from './transfer-routes.ts';
import { datasetWire, experimentWire, loggedModelWire, runWire } from './wire.ts';

const byId = z.object({ id: z.string() });
const files = z.unknown().describe('the bytes of the file');

/** The order clauses of an `orderBy` query: keys separated by commas that are not inside quotes. */
export function orderClauses(text: string | undefined): readonly string[] {
  const clauses = text?.match(/(?:`[^`]*`|"[^"]*"|[^,`"])+/g) ?? [];
  return clauses.map((clause) => clause.trim()).filter((clause) => clause !== '');
}

/** REST resources: experiments, runs, logged models and their artifacts. */
export function experimentsRoutes(tracking: Experiments): readonly Route[] {
  const { experiments, runs, metrics, models, artifacts } = tracking;

  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/experiments',
      summary: 'List experiments',
      permission: 'read',
      query: experimentListQuerySchema,
      response: pageOf(experimentSchema),
      async handle({ query }, { actor }) {
        const { filter = '', view, limit, after } = query;
        const orderBy = orderClauses(query.orderBy);
        const page = await experiments.search(actor, { filter, orderBy, view, limit, after });
        return { items: page.items.map(experimentWire), next: page.next };
      },
    }),
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
      path: '/api/v1/runs',
      summary: 'List runs by filter and order, in one experiment or in all',
      permission: 'read',
      query: runListQuerySchema,
      response: pageOf(runSchema),
      async handle({ query }, { actor }) {
        const { experimentId, filter, view, limit, after } = query;
        const experimentIds = experimentId === undefined ? null : [experimentId];
        const orderBy = orderClauses(query.orderBy);
        const page = await runs.search(actor, { experimentIds, filter, orderBy, view, limit, after });
        return { items: page.items.map(runWire), next: page.next };
      },
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
        };
      },
    }),
    ...metricRoutes(metrics),
    defineRoute({
      method: 'GET',
      path: '/api/v1/runs/:id/artifacts',
      summary: "List a folder of a run's artifacts",
      permission: 'read',
      params: byId,
      query: artifactListQuerySchema,
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
        const file = await artifacts.find(actor, artifacts.pathIn(run.artifactUri, query.path));
        return sendFile(request, reply, file, (range) => artifacts.read(actor, file, range));
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/logged-models',
      summary: 'List the models that a step or a run logged, with their files',
      permission: 'read',
      query: loggedModelListQuerySchema,
      response: pageOf(loggedModelWithFilesSchema),
      async handle({ query }, { actor }) {
        const found =
          query.runId === undefined
            ? await models.ofStep(actor, query.stepRunId ?? '')
            : await models.ofRun(actor, query.runId);
        return {
          items: found.map((model) => ({ ...loggedModelWire(model), files: [...model.files] })),
          next: null,
        };
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
        const file = await artifacts.find(actor, artifacts.pathIn(model.artifactUri, query.path));
        return sendFile(request, reply, file, (range) => artifacts.read(actor, file, range));
      },
    }),
    ...traceRoutes(tracking.traces),
    ...transferRoutes(tracking),
  ];
}

import { z } from 'zod';
import { formatTime } from '../../core/time.ts';
import {
  decodePageToken,
  defineRoute,
  encodePageToken,
  pageOf,
  pageQuery,
  type Route,
} from '../../platform/http/index.ts';
import {
  checkQuerySchema,
  completeItemsSchema,
  experimentCheckSchema,
  exportExperimentsQuerySchema,
  exportFilesQuerySchema,
  exportItemsQuerySchema,
  exportSeriesQuerySchema,
  finishImportSchema,
  type Import,
  importArtifactQuerySchema,
  importExperimentsSchema,
  importMetricsSchema,
  importModelsSchema,
  importRunsSchema,
  importSchema,
  itemKindSchema,
  itemTodosSchema,
  placedExperimentsSchema,
  startImportSchema,
  transferExperimentSchema,
  transferFileSchema,
  transferModelSchema,
  transferRunSchema,
  transferSeriesSchema,
} from './contract/transfer.ts';
import type { Experiments } from './service.ts';
import type { ImportRow } from './store/transfer.ts';

const byId = z.object({ id: z.string() });
const nothing = z.undefined();
const pointKey = z.tuple([z.number(), z.number(), z.number(), z.number()]);
const itemQuerySchema = z.strictObject({ kind: itemKindSchema, id: z.string() });

/** REST resources that carry experiments between servers: imports take them in, exports read them out. */
export function transferRoutes(tracking: Experiments): readonly Route[] {
  return [...importRoutes(tracking), ...exportRoutes(tracking)];
}

function importRoutes({ transfer }: Experiments): readonly Route[] {
  const at = (rest: string) => `/api/v1/imports/:id${rest}`;
  const permission = 'transfer:write';
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/imports',
      summary: 'List imports, newest first',
      permission: 'read',
      query: pageQuery,
      response: pageOf(importSchema),
      async handle({ query }, { actor }) {
        const page = await transfer.list(actor, query.limit, query.after);
        return { items: page.items.map(importWire), next: page.next };
      },
    }),
    defineRoute({
      method: 'POST',
      path: '/api/v1/imports',
      summary: 'Begin to import from a source, or go on where it was cut off',
      permission,
      body: startImportSchema,
      response: importSchema,
      handle: async ({ body }, { actor }) => importWire(await transfer.start(actor, body.source)),
    }),
    defineRoute({
      method: 'POST',
      path: at('/experiments'),
      summary: 'Make the experiments of an import, and tell where each is',
      permission,
      params: byId,
      body: importExperimentsSchema,
      response: placedExperimentsSchema,
      handle: async ({ params, body }, { actor }) => ({
        experiments: [...(await transfer.placeExperiments(actor, params.id, body.experiments))],
      }),
    }),
    defineRoute({
      method: 'POST',
      path: at('/runs'),
      summary: 'Write runs as they were elsewhere, and tell what is left to do for each',
      permission,
      params: byId,
      body: importRunsSchema,
      response: itemTodosSchema,
      handle: async ({ params, body }, { actor }) => ({
        items: [...(await transfer.runs(actor, params.id, body.runs))],
      }),
    }),
    defineRoute({
      method: 'POST',
      path: at('/metrics'),
      summary: 'Add metric points to runs of an import',
      permission,
      params: byId,
      body: importMetricsSchema,
      response: nothing,
      status: 204,
      async handle({ params, body }, { actor }) {
        await transfer.metrics(actor, params.id, body.series);
        return undefined;
      },
    }),
    defineRoute({
      method: 'POST',
      path: at('/logged-models'),
      summary: 'Write logged models as they were elsewhere, and tell what is left to do for each',
      permission,
      params: byId,
      body: importModelsSchema,
      response: itemTodosSchema,
      handle: async ({ params, body }, { actor }) => ({
        items: [...(await transfer.models(actor, params.id, body.models))],
      }),
    }),
    defineRoute({
      method: 'PUT',
      path: at('/artifacts'),
      summary: 'Store a file of a run or logged model of an import',
      permission,
      params: byId,
      query: importArtifactQuerySchema,
      bodyKind: 'raw',
      response: transferFileSchema,
      handle: ({ params, query }, { actor, request }) =>
        transfer.putArtifact(actor, params.id, query, request.raw),
    }),
    defineRoute({
      method: 'DELETE',
      path: at('/artifacts'),
      summary: 'Remove what an attempt that was cut off stored of the files of a run or logged model',
      permission,
      params: byId,
      query: itemQuerySchema,
      response: nothing,
      status: 204,
      async handle({ params, query }, { actor }) {
        await transfer.clearArtifacts(actor, params.id, query.kind, query.id);
        return undefined;
      },
    }),
    defineRoute({
      method: 'POST',
      path: at('/items'),
      summary: 'Mark runs and logged models as wholly imported, with what the source holds of each',
      permission,
      params: byId,
      body: completeItemsSchema,
      response: nothing,
      status: 204,
      async handle({ params, body }, { actor }) {
        await transfer.complete(actor, params.id, body.items);
        return undefined;
      },
    }),
    defineRoute({
      method: 'GET',
      path: at('/check'),
      summary: 'Compare what an import brought into an experiment with what the source held',
      permission: 'read',
      params: byId,
      query: checkQuerySchema,
      response: experimentCheckSchema,
      handle: ({ params, query }, { actor }) => transfer.check(actor, params.id, query.experimentId),
    }),
    defineRoute({
      method: 'POST',
      path: at('/finish'),
      summary: 'End an import, and write it down in the audit trail',
      permission,
      params: byId,
      body: finishImportSchema,
      response: importSchema,
      handle: async ({ params, body }, { actor }) =>
        importWire(await transfer.finish(actor, params.id, body)),
    }),
  ];
}

function exportRoutes({ experiments, exports }: Experiments): readonly Route[] {
  return [
    defineRoute({
      method: 'GET',
      path: '/api/v1/exports/experiments',
      summary: 'Read experiments in any stage as an import takes them',
      permission: 'read',
      query: exportExperimentsQuerySchema,
      response: pageOf(transferExperimentSchema),
      async handle({ query }, { actor }) {
        const { limit, after } = query;
        const orderBy = ['experiment_id ASC'];
        const page = await experiments.search(actor, { view: 'all', orderBy, limit, after });
        const items = page.items.map(({ id, name, lifecycleStage, createdAtMs, updatedAtMs, tags }) => ({
          id,
          name,
          lifecycleStage,
          createdAtMs,
          updatedAtMs,
          tags: [...tags],
        }));
        return { items, next: page.next };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/exports/runs',
      summary: 'Read runs of an experiment in any stage as an import takes them',
      permission: 'read',
      query: exportItemsQuerySchema,
      response: pageOf(transferRunSchema),
      async handle({ query }, { actor }) {
        const { experimentId, limit, after = '' } = query;
        const items = [...(await exports.runs(actor, experimentId, limit, after))];
        return { items, next: items.length === limit ? (items.at(-1)?.id ?? null) : null };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/exports/logged-models',
      summary: 'Read logged models of an experiment in any stage as an import takes them',
      permission: 'read',
      query: exportItemsQuerySchema,
      response: pageOf(transferModelSchema),
      async handle({ query }, { actor }) {
        const { experimentId, limit, after = '' } = query;
        const items = [...(await exports.models(actor, experimentId, limit, after))];
        return { items, next: items.length === limit ? (items.at(-1)?.id ?? null) : null };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/exports/metrics',
      summary: 'Read all points of a metric of a run; without a key, which metrics the run has',
      permission: 'read',
      query: exportSeriesQuerySchema,
      response: pageOf(transferSeriesSchema),
      async handle({ query }, { actor }) {
        const { runId, key, limit, after } = query;
        if (key === undefined) {
          const keys = await exports.keys(actor, runId);
          const empty = { steps: [], timesMs: [], values: [] };
          return { items: keys.map((name) => ({ runId, key: name, ...empty })), next: null };
        }
        const from = after === undefined ? null : decodePageToken(after, pointKey);
        const { series, last } = await exports.points(actor, { runId, key }, limit, from);
        return { items: [series], next: last && encodePageToken(last) };
      },
    }),
    defineRoute({
      method: 'GET',
      path: '/api/v1/exports/files',
      summary: 'List all files of a run or logged model with their digests',
      permission: 'read',
      query: exportFilesQuerySchema,
      response: pageOf(transferFileSchema),
      handle: async ({ query }, { actor }) => ({
        items: [...(await exports.files(actor, query.kind, query.id))],
        next: null,
      }),
    }),
  ];
}

function importWire(row: ImportRow): Import {
  return {
    id: row.id,
    source: row.source,
    startedBy: row.started_by,
    startedAt: formatTime(row.started_at_ms),
    finishedAt: row.finished_at_ms === null ? null : formatTime(row.finished_at_ms),
    agrees: row.agrees === null ? null : row.agrees === 1,
  };
}

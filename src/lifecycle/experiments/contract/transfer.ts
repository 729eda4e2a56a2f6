/**
 * How experiments, runs and logged models travel between servers, whole and with their ids: what an import sends and
 * what an export reads. Times are epoch milliseconds, because that is what is compared on both sides.
 */
import { z } from 'zod';
import { lifecycleStageSchema, loggedModelStatusSchema, runStatusSchema } from '../contract.ts';

const timeMs = z.number().int();

const transferTagSchema = z.strictObject({ key: z.string(), value: z.string() });
export type TransferTag = z.infer<typeof transferTagSchema>;
const tags = z.array(transferTagSchema);

export const transferExperimentSchema = z.strictObject({
  /** The id at the source; kept where it is free. */
  id: z.string(),
  name: z.string(),
  lifecycleStage: lifecycleStageSchema,
  createdAtMs: timeMs,
  updatedAtMs: timeMs,
  tags,
});
export type TransferExperiment = z.infer<typeof transferExperimentSchema>;

const transferInputSchema = z.strictObject({
  name: z.string(),
  digest: z.string(),
  sourceType: z.string(),
  source: z.string(),
  schema: z.string().nullable(),
  profile: z.string().nullable(),
  tags,
});
export type TransferInput = z.infer<typeof transferInputSchema>;

export const transferRunSchema = z.strictObject({
  id: z.string().regex(/^[a-zA-Z0-9][\w-]{0,255}$/, 'is not the id of a run'),
  /** The experiment at the server that is read or written. */
  experimentId: z.string(),
  /** Empty where the source has none. */
  name: z.string(),
  userId: z.string(),
  status: runStatusSchema,
  startTimeMs: timeMs,
  endTimeMs: timeMs.nullable(),
  lifecycleStage: lifecycleStageSchema,
  /** Null: the server's own place for the files of this run. */
  artifactUri: z.string().nullable(),
  params: tags,
  tags,
  inputs: z.array(transferInputSchema),
  modelInputs: z.array(z.string()),
  modelOutputs: z.array(z.strictObject({ modelId: z.string(), step: z.number().int() })),
});
export type TransferRun = z.infer<typeof transferRunSchema>;

/** Points of one metric of one run, by columns; a null value is NaN. */
export const transferSeriesSchema = z.strictObject({
  runId: z.string(),
  key: z.string(),
  steps: z.array(z.number()),
  timesMs: z.array(z.number()),
  values: z.array(z.number().nullable()),
});
export type TransferSeries = z.infer<typeof transferSeriesSchema>;

const transferModelMetricSchema = z.strictObject({
  key: z.string(),
  value: z.number(),
  step: z.number().int(),
  timeMs,
  runId: z.string(),
  datasetName: z.string().nullable(),
  datasetDigest: z.string().nullable(),
});

export const transferModelSchema = z.strictObject({
  id: z.string().min(1),
  experimentId: z.string(),
  name: z.string(),
  artifactUri: z.string().nullable(),
  modelType: z.string().nullable(),
  sourceRunId: z.string().nullable(),
  status: loggedModelStatusSchema,
  lifecycleStage: lifecycleStageSchema,
  createdAtMs: timeMs,
  updatedAtMs: timeMs,
  params: tags,
  tags,
  metrics: z.array(transferModelMetricSchema),
});
export type TransferModel = z.infer<typeof transferModelSchema>;

/** What owns artifacts: a run, or a logged model. */
export const itemKindSchema = z.enum(['run', 'logged-model']);
export type ItemKind = z.infer<typeof itemKindSchema>;

/** One file; its digest is of its bytes. */
export const transferFileSchema = z.strictObject({
  path: z.string(),
  digest: z.string(),
  sizeBytes: z.number().int(),
});
export type TransferFile = z.infer<typeof transferFileSchema>;

/** Counts and digests of one run or logged model, computed alike from the rows of the source and of the target. */
export const itemFactsSchema = z.strictObject({
  /** Of everything but metric points and files. */
  record: z.string(),
  metrics: z.string(),
  artifacts: z.string(),
  params: z.number().int(),
  tags: z.number().int(),
  inputs: z.number().int(),
  points: z.number().int(),
  files: z.number().int(),
  sizeBytes: z.number().int(),
});
export type ItemFacts = z.infer<typeof itemFactsSchema>;

const stamp = z
  .string()
  .describe('changes when the source changed; an item that has it already is not sent again');

export const importSchema = z.object({
  id: z.string(),
  source: z.string(),
  startedBy: z.string(),
  startedAt: z.string(),
  /** Null while it goes on, or when it was cut off; starting it again goes on with it. */
  finishedAt: z.string().nullable(),
  agrees: z.boolean().nullable(),
});
export type Import = z.infer<typeof importSchema>;

export const startImportSchema = z.strictObject({
  /** Where from: a URL or path without credentials. The same source again goes on with its import. */
  source: z.string().min(1).max(2000),
});

export const importExperimentsSchema = z.strictObject({
  experiments: z.array(transferExperimentSchema).max(1000),
});

const placedExperimentSchema = z.object({
  sourceId: z.string(),
  /** The id here. */
  id: z.string(),
  name: z.string(),
  /**
   * `same-id` and `new-id`: it was made by this import; `merged`: an experiment of that name was here already and
   * takes the runs in.
   */
  outcome: z.enum(['same-id', 'new-id', 'merged']),
});
export type PlacedExperiment = z.infer<typeof placedExperimentSchema>;
export const placedExperimentsSchema = z.object({ experiments: z.array(placedExperimentSchema) });

export const importRunsSchema = z.strictObject({
  runs: z.array(transferRunSchema.extend({ stamp })).max(1000),
});
export const importModelsSchema = z.strictObject({
  models: z.array(transferModelSchema.extend({ stamp })).max(1000),
});

/**
 * What is left to do for an item: `copy` its points and files, `compare` (it was here before any import, so it is
 * left as it is), or `nothing` (an earlier import brought all of it).
 */
const itemTodoSchema = z.object({
  id: z.string(),
  todo: z.enum(['copy', 'compare', 'nothing']),
  /** Where its files lie here. */
  artifactUri: z.string(),
});
export type ItemTodo = z.infer<typeof itemTodoSchema>;
export const itemTodosSchema = z.object({ items: z.array(itemTodoSchema) });

export const importMetricsSchema = z.strictObject({ series: z.array(transferSeriesSchema).max(10_000) });

export const importArtifactQuerySchema = z.strictObject({
  kind: itemKindSchema,
  id: z.string(),
  path: z.string().min(1),
});

export const completeItemsSchema = z.strictObject({
  items: z.array(z.strictObject({ kind: itemKindSchema, id: z.string(), source: itemFactsSchema })).max(1000),
});

export const checkQuerySchema = z.strictObject({ experimentId: z.string() });

const checkSideSchema = z.object({
  runs: z.number().int(),
  models: z.number().int(),
  params: z.number().int(),
  tags: z.number().int(),
  inputs: z.number().int(),
  points: z.number().int(),
  files: z.number().int(),
  sizeBytes: z.number().int(),
  /** Over the digests of all items, in the order of their ids. */
  digest: z.string(),
});
export type CheckSide = z.infer<typeof checkSideSchema>;

/** Source and target of one experiment side by side. */
export const experimentCheckSchema = z.object({
  experimentId: z.string(),
  name: z.string(),
  source: checkSideSchema,
  target: checkSideSchema,
  /** What differs, the first hundred. */
  differences: z.array(z.object({ kind: itemKindSchema, id: z.string(), what: z.array(z.string()) })),
});
export type ExperimentCheck = z.infer<typeof experimentCheckSchema>;

export const finishImportSchema = z.strictObject({
  agrees: z.boolean(),
  counts: z.record(z.string(), z.number().int()),
});

const page = {
  limit: z.coerce.number().int().min(1).max(500).default(200),
  after: z.string().optional(),
};
export const exportExperimentsQuerySchema = z.strictObject(page);
export const exportItemsQuerySchema = z.strictObject({ experimentId: z.string(), ...page });
export const exportSeriesQuerySchema = z.strictObject({
  runId: z.string(),
  /** Points of this metric only; without it the keys of the run's metrics come, with empty columns. */
  key: z.string().optional(),
  limit: z.coerce.number().int().min(1).max(100_000).default(50_000),
  after: z.string().optional(),
});
export const exportFilesQuerySchema = z.strictObject({ kind: itemKindSchema, id: z.string() });

/**
 * What the experiments slice shows to the outside: experiments, runs, metrics, logged models and artifacts.
 * Words and status names are MLflow's, because the filter grammar that users type speaks of them.
 */
import { z } from 'zod';
import { digestSchema } from '../../core/model-types.ts';
import { runCodeSchema } from './contract/code.ts';

export {
  type ExperimentListQuery,
  experimentListQuerySchema,
  type LoggedModelListQuery,
  loggedModelListQuerySchema,
  type RunListQuery,
  runColumnListQuerySchema,
  runColumnSchema,
  runListQuerySchema,
} from './contract/search.ts';

/** RFC 3339 time. */
const timeSchema = z.string();

/** A metric's value: a finite number, or the string `NaN` (infinities are clamped when they are logged). */
export const metricValueSchema = z.union([z.number(), z.literal('NaN')]);
export type MetricValue = z.infer<typeof metricValueSchema>;

export const lifecycleStageSchema = z.enum(['active', 'deleted']);
export type LifecycleStage = z.infer<typeof lifecycleStageSchema>;

/**
 * `LOST`: it says that it runs, but has written nothing for longer than `runLostAfter`; when it writes again it is
 * running again. MLflow's routes, which have no such word, say `FAILED`.
 */
export const runStatusSchema = z.enum(['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED', 'LOST']);
export type RunStatus = z.infer<typeof runStatusSchema>;

export const loggedModelStatusSchema = z.enum(['PENDING', 'READY', 'UPLOAD_FAILED']);
export type LoggedModelStatus = z.infer<typeof loggedModelStatusSchema>;

export const experimentSchema = z.object({
  /** Decimal digits, as MLflow's clients expect. */
  id: z.string(),
  name: z.string(),
  artifactLocation: z.string(),
  lifecycleStage: lifecycleStageSchema,
  createdAt: timeSchema,
  updatedAt: timeSchema,
  tags: z.record(z.string(), z.string()),
});
export type Experiment = z.infer<typeof experimentSchema>;

export const newExperimentSchema = z.strictObject({
  name: z.string().min(1),
  tags: z.record(z.string(), z.string()).default({}),
});

/** What is left out stays; a tag that is null goes. */
export const experimentChangeSchema = z.strictObject({
  name: z.string().min(1).optional(),
  tags: z.record(z.string(), z.string().nullable()).optional(),
});

/** Whether smaller or greater values of a metric are better. */
export const metricDirectionSchema = z.enum(['minimize', 'maximize']);
export type MetricDirection = z.infer<typeof metricDirectionSchema>;

/** Everything a table of runs shows of one metric, without reading its history. */
const metricSummarySchema = z.object({
  key: z.string(),
  /** The value at the greatest (step, time, value), MLflow's meaning of "latest". */
  last: metricValueSchema,
  lastStep: z.number().int(),
  lastTime: timeSchema,
  /** The value at the smallest (step, time, value). */
  first: metricValueSchema,
  /** Smallest and greatest number; null when every point is NaN. */
  min: z.number().nullable(),
  max: z.number().nullable(),
  /** Mean of the points that are numbers; null when there is none. */
  mean: z.number().nullable(),
  /** The extreme that is better, and the first step that reached it; null when every point is NaN. */
  best: z.number().nullable(),
  bestStep: z.number().int().nullable(),
  /** Which way the metric is better, and whether that is a guess from its name. */
  direction: metricDirectionSchema,
  isDirectionGuessed: z.boolean(),
  /** Distinct points. */
  count: z.number().int(),
});
export type MetricSummary = z.infer<typeof metricSummarySchema>;

const datasetInputSchema = z.object({
  name: z.string(),
  digest: z.string(),
  sourceType: z.string(),
  source: z.string(),
  schema: z.string().nullable(),
  profile: z.string().nullable(),
  /** Tags of the use, for instance `mlflow.data.context` = `training`. */
  tags: z.record(z.string(), z.string()),
});
export type DatasetInput = z.infer<typeof datasetInputSchema>;

export const runSchema = z.object({
  id: z.string(),
  name: z.string(),
  experimentId: z.string(),
  status: runStatusSchema,
  lifecycleStage: lifecycleStageSchema,
  user: z.string(),
  startTime: timeSchema,
  endTime: timeSchema.nullable(),
  /** Null while the run goes on. */
  durationMs: z.number().nullable(),
  artifactUri: z.string(),
  /** The step run (pipelines) whose job token created this run, if any. */
  stepRunId: z.string().nullable(),
  params: z.record(z.string(), z.string()),
  tags: z.record(z.string(), z.string()),
  metrics: z.record(z.string(), metricSummarySchema),
});
export type Run = z.infer<typeof runSchema>;

const artifactFileSchema = z.object({
  /** Path under the owner's artifact root, with forward slashes. */
  path: z.string(),
  digest: digestSchema,
  sizeBytes: z.number().int(),
});
export type ArtifactFile = z.infer<typeof artifactFileSchema>;

export const loggedModelSchema = z.object({
  /** `m-` and 32 hexadecimal digits. */
  id: z.string(),
  name: z.string(),
  experimentId: z.string(),
  sourceRunId: z.string().nullable(),
  status: loggedModelStatusSchema,
  modelType: z.string().nullable(),
  artifactUri: z.string(),
  createdAt: timeSchema,
  updatedAt: timeSchema,
  params: z.record(z.string(), z.string()),
  tags: z.record(z.string(), z.string()),
  metrics: z.array(z.object({ key: z.string(), value: metricValueSchema, step: z.number().int() })),
});
export type LoggedModel = z.infer<typeof loggedModelSchema>;

/** A logged model with the files that its script uploaded (`MLmodel`, `model.pkl`, ...). */
export const loggedModelWithFilesSchema = loggedModelSchema.extend({ files: z.array(artifactFileSchema) });
export type LoggedModelWithFiles = z.infer<typeof loggedModelWithFilesSchema>;

export const runDetailSchema = runSchema.extend({
  experimentName: z.string(),
  inputs: z.array(datasetInputSchema),
  models: z.array(loggedModelSchema),
  /** With which code and in which environment it was made; null when nothing is known of it. */
  code: runCodeSchema.nullable(),
});
export type RunDetail = z.infer<typeof runDetailSchema>;

export const metricDirectionEntrySchema = z.object({
  key: z.string(),
  direction: metricDirectionSchema,
  /** True when nobody has said so and the direction is guessed from the metric's name. */
  isGuessed: z.boolean(),
});
export type MetricDirectionEntry = z.infer<typeof metricDirectionEntrySchema>;

/** Directions of metrics in one experiment; null goes back to the guess. Other metrics stay as they are. */
export const metricDirectionChangeSchema = z.strictObject({
  directions: z
    .array(z.strictObject({ key: z.string().min(1).max(250), direction: metricDirectionSchema.nullable() }))
    .min(1)
    .max(1000),
});
export type MetricDirectionChange = z.infer<typeof metricDirectionChangeSchema>;

/** One bucket of consecutive points (by step, time, value); with few points each bucket is one point. */
const metricBucketSchema = z.object({
  /** Step and time of the bucket's last point, and its value. */
  step: z.number().int(),
  time: timeSchema,
  value: metricValueSchema,
  /** Extremes within the bucket; null when every point of it is NaN. */
  min: z.number().nullable(),
  max: z.number().nullable(),
  count: z.number().int(),
});
export type MetricBucket = z.infer<typeof metricBucketSchema>;

export const metricHistorySchema = z.object({
  runId: z.string(),
  key: z.string(),
  /** Points in the whole history, however few buckets are returned. */
  totalCount: z.number().int(),
  buckets: z.array(metricBucketSchema),
});
export type MetricHistory = z.infer<typeof metricHistorySchema>;

/** One entry of a directory of artifacts. Directories have neither digest nor size. */
export const artifactEntrySchema = z.object({
  path: z.string(),
  isDirectory: z.boolean(),
  digest: z.string().nullable(),
  sizeBytes: z.number().int().nullable(),
});
export type ArtifactEntry = z.infer<typeof artifactEntrySchema>;

export const metricHistoryQuerySchema = z.strictObject({
  key: z.string(),
  buckets: z.coerce.number().int().min(1).max(2500).default(320),
  /** Only what lies from this step to that, both included: left out, the history has no end on that side. */
  startStep: z.coerce.number().int().optional(),
  endStep: z.coerce.number().int().optional(),
});

export const artifactListQuerySchema = z.strictObject({
  /** Folder within the artifact root; left out for the root itself. */
  path: z.string().default(''),
});
export const artifactContentQuerySchema = z.strictObject({ path: z.string().min(1) });

/** The first rows of a table among the artifacts, each value as a text; null where there is none. */
export const artifactRowsSchema = z.object({
  columns: z.array(z.object({ name: z.string(), type: z.string() })),
  totalColumns: z.int(),
  rows: z.array(z.array(z.string().nullable())),
  totalRows: z.int(),
});
export type ArtifactRows = z.infer<typeof artifactRowsSchema>;

/**
 * Events of this slice. The subject is the run (or experiment, or logged model) id.
 * `run.logged` says that metrics, params or tags were added; at most one per run and second, so that a
 * screen can follow a run without the feed holding a line per point.
 */
const experimentEventTypes = [
  'experiment.created',
  'experiment.deleted',
  'experiment.restored',
  'run.created',
  'run.logged',
  'run.ended',
  'run.lost',
  'run.deleted',
  'run.restored',
  'logged-model.created',
  'logged-model.ready',
] as const;
export type ExperimentEventType = (typeof experimentEventTypes)[number];

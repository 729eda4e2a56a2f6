import { z } from 'zod';
import { csvDialectSchema, csvOptionsSchema } from '../../../core/csv-dialect.ts';
import { digestSchema } from '../../../core/model-package.ts';

/** Batch predictions: what is asked for, the step that does it, and the resource of the REST API. Browser-safe. */

const batchFormatSchema = z.enum(['parquet', 'csv']);

/** Whose model scores: the champion of an endpoint, or a packaged version of a registered model. */
const batchTargetSchema = z.union([
  z.strictObject({ endpoint: z.string().min(1) }),
  z.strictObject({ model: z.string().min(1), version: z.int().min(1) }),
]);

/** Which rows are scored. */
const batchSourceSchema = z.union([
  /** A file that was stored as a blob before. */
  z.strictObject({
    digest: digestSchema,
    name: z.string().max(500).optional(),
    csv: csvOptionsSchema.optional(),
  }),
  z.strictObject({ datasetVersion: z.string().min(1) }),
  /** What an endpoint answered in a span of event time: scored again. */
  z.strictObject({ log: z.string().min(1), from: z.string(), to: z.string() }),
]);

/** POST /api/v1/batch-predictions */
export const createBatchPredictionSchema = z.strictObject({
  target: batchTargetSchema,
  source: batchSourceSchema,
  format: batchFormatSchema.default('parquet'),
  /** Columns of the input that the output has too; left out: all that are no inputs of the model. */
  keep: z.array(z.string().min(1)).nullable().default(null),
  /** Whether the rows go into the endpoint's prediction log, so that labels can be joined to them. */
  log: z.boolean().default(false),
});
export type CreateBatchPrediction = z.input<typeof createBatchPredictionSchema>;

/** Inputs of the step kind `batch-predict`: everything is fixed when the batch is asked for. */
export const batchInputsSchema = z.strictObject({
  model: z.string(),
  modelVersion: z.string(),
  packageDigest: digestSchema,
  endpoint: z.string().nullable(),
  routeVersion: z.int(),
  entityFeature: z.string().nullable(),
  eventTimeFeature: z.string().nullable(),
  // Batches of earlier versions name times as well.
  source: z.object({
    kind: z.enum(['file', 'dataset', 'log']),
    name: z.string(),
    digests: z.array(digestSchema),
    csv: csvOptionsSchema.optional(),
    /** Of a log: the span that its step asks for; of earlier versions the digest is known. */
    window: z.strictObject({ fromMs: z.int(), toMs: z.int(), endpoint: z.string() }).optional(),
  }),
  format: batchFormatSchema,
  keep: z.array(z.string()).nullable(),
  log: z.boolean(),
  requestedAtMs: z.int(),
  /** The stopped batch that this one goes on with. */
  resumes: z.string().nullable().default(null),
});
export type BatchInputs = z.infer<typeof batchInputsSchema>;

export const batchOutputsSchema = z.strictObject({
  digest: digestSchema,
  sizeBytes: z.int(),
  rows: z.int(),
  /** Rows without a prediction; their `error` tells why. */
  failedRows: z.int(),
});
export type BatchOutputs = z.infer<typeof batchOutputsSchema>;

/** A part of the output that is finished and kept: what a batch goes on from after a crash. */
export const batchPartSchema = z.strictObject({
  part: z.int().min(0),
  digest: digestSchema,
  rows: z.int().min(0),
  failedRows: z.int().min(0),
  /** Rows of the whole input. */
  totalRows: z.int().min(0),
  /** The same rows as a segment of the prediction log. */
  log: z
    .strictObject({ digest: digestSchema, minEventTimeMs: z.int(), maxEventTimeMs: z.int() })
    .nullable()
    .default(null),
});
export type BatchPart = z.infer<typeof batchPartSchema>;

/** What of a batch's rows may go into the prediction log, and the key that values are hashed with. */
export const batchLogPolicySchema = z.strictObject({
  entityFeature: z.string().nullable(),
  payloadShare: z.number(),
  redact: z.array(z.string()),
  hash: z.array(z.string()),
  /** Empty where nothing is hashed. */
  key: z.string(),
});
export type BatchLogPolicy = z.infer<typeof batchLogPolicySchema>;

/** What the step of a batch over a log, or of a replay, reads; null: it is being written, ask again. */
export const batchWindowSchema = z.object({ digest: digestSchema.nullable() });

/** The CSV file of a batch of several parts as Parquet, so that no later attempt has to read it as text again. */
export const stagedInputSchema = z.strictObject({
  digest: digestSchema,
  /** How numbers are written in its cells, which are texts. */
  decimal: csvDialectSchema.shape.decimal,
});
export type StagedInput = z.infer<typeof stagedInputSchema>;

/** What earlier attempts of a batch have kept. */
export const batchPartsSchema = z.object({
  items: z.array(batchPartSchema),
  staged: stagedInputSchema.nullable().default(null),
});

export const batchPredictionSchema = z.object({
  id: z.string(),
  status: z.enum(['queued', 'running', 'succeeded', 'failed', 'cancelled']),
  model: z.string(),
  modelVersion: z.string(),
  packageDigest: digestSchema,
  endpoint: z.string().nullable(),
  source: z.object({
    kind: z.enum(['file', 'dataset', 'log']),
    name: z.string(),
    digests: z.array(z.string()),
  }),
  format: batchFormatSchema,
  log: z.boolean(),
  /** The stopped batch whose finished parts this one began with. */
  resumes: z.string().nullable(),
  progress: z.object({
    rows: z.int(),
    failedRows: z.int(),
    /** Null until the first part is finished. */
    totalRows: z.int().nullable(),
  }),
  /** Null until it has succeeded. */
  output: batchOutputsSchema.nullable(),
  error: z.object({ code: z.string(), message: z.string(), next: z.string() }).nullable(),
  attempts: z.int(),
  createdAt: z.string(),
  startedAt: z.string().nullable(),
  finishedAt: z.string().nullable(),
});
export type BatchPrediction = z.infer<typeof batchPredictionSchema>;

/** POST /api/v1/batch-predictions/:id/cancel */
export const cancelBatchSchema = z.strictObject({ reason: z.string().min(1).max(2000) });

/** DELETE /api/v1/batch-predictions/:id */
export const deleteBatchSchema = z.strictObject({ reason: z.string().trim().min(1).max(2000) });

/** What was deleted. */
export const deletedBatchSchema = z.strictObject({
  id: z.string(),
  /** Files that nothing else uses, and that are deleted with it. */
  files: z.int(),
});
export type DeletedBatch = z.infer<typeof deletedBatchSchema>;

/** POST /api/v1/batch-predictions/:id/resume */
export const resumeBatchSchema = z.strictObject({ reason: z.string().min(1).max(2000) });

import { z } from 'zod';
import { digestSchema } from '../../../core/model-types.ts';

const time = z.iso.datetime({ offset: true });

/** POST /api/v1/replays: what would another version have said of the same requests? */
export const createReplaySchema = z.strictObject({
  endpoint: z.string().min(1),
  /** Event time, [from, to). */
  from: time,
  to: time,
  /** Version of the endpoint's model that is asked now. */
  version: z.int().min(1),
});
export type CreateReplay = z.infer<typeof createReplaySchema>;

/** Inputs of step kind `replay`. */
export const replayInputsSchema = z.strictObject({
  endpoint: z.string(),
  from: time,
  to: time,
  model: z.string(),
  modelVersion: z.string(),
  packageDigest: digestSchema,
  /** Of replays of earlier versions, whose windows were written before them; others ask for theirs. */
  windowDigest: digestSchema.optional(),
  rows: z.int().optional(),
});
export type ReplayInputs = z.infer<typeof replayInputsSchema>;

/** How good scores were against labels of 0 and 1; null without such labels. */
const replayMetricsSchema = z.strictObject({
  logLoss: z.number().nullable(),
  brier: z.number().nullable(),
  accuracy: z.number().nullable(),
  /** Area under the ROC curve; null when all labels are the same. */
  auc: z.number().nullable(),
});
export type ReplayMetrics = z.infer<typeof replayMetricsSchema>;

/** Outputs of step kind `replay`. */
export const replayOutputsSchema = z.strictObject({
  rows: z.int(),
  /** Rows that the version refused or failed on. */
  failedRows: z.int(),
  /** Rows with a finite score then and now. */
  compared: z.int(),
  /** Of |score now - score then|; null when nothing could be compared. */
  difference: z
    .strictObject({ mean: z.number(), p50: z.number(), p95: z.number(), p99: z.number(), max: z.number() })
    .nullable(),
  /** Rows whose score crossed the threshold of a decision. */
  changedDecisions: z.int(),
  /** Compared rows with a label of 0 or 1. */
  labelled: z.int(),
  logged: replayMetricsSchema,
  replayed: replayMetricsSchema,
  /** The rows that differ most. */
  examples: z.array(
    z.strictObject({
      predictionId: z.string(),
      loggedVersion: z.string(),
      loggedScore: z.number(),
      replayedScore: z.number(),
      label: z.number().nullable(),
    }),
  ),
  /** Parquet with every row: logged_prediction_id, logged_version, logged_score, logged_label, prediction, score, error. */
  digest: digestSchema,
  sizeBytes: z.int(),
});
export type ReplayOutputs = z.infer<typeof replayOutputsSchema>;

/** POST /api/v1/replays/:id/cancel */
export const cancelReplaySchema = z.strictObject({ reason: z.string().trim().min(1).max(2000) });

/** DELETE /api/v1/replays/:id */
export const deleteReplaySchema = z.strictObject({ reason: z.string().trim().min(1).max(2000) });

/** What was deleted. */
export const deletedReplaySchema = z.strictObject({
  id: z.string(),
  /** Files that nothing else uses, and that are deleted with it. */
  files: z.int(),
});
export type DeletedReplay = z.infer<typeof deletedReplaySchema>;

export const replaySchema = z.object({
  id: z.string(),
  status: z.enum(['queued', 'running', 'succeeded', 'failed', 'cancelled']),
  endpoint: z.string(),
  from: time,
  to: time,
  model: z.string(),
  modelVersion: z.string(),
  /** Rows of the window; null until it has been read from the log. */
  rows: z.int().nullable(),
  /** Of these, predicted again so far. It grows with each finished part of some hundred thousand rows. */
  progress: z.object({ rows: z.int(), failedRows: z.int() }),
  /** null until it has succeeded. */
  result: replayOutputsSchema.nullable(),
  error: z.object({ code: z.string(), message: z.string(), next: z.string() }).nullable(),
  createdAt: z.string(),
  finishedAt: z.string().nullable(),
});
export type Replay = z.infer<typeof replaySchema>;

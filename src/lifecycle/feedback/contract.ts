// Wire shapes of the feedback slice: prediction segments, labels, their join and its exact counts. Browser-safe.
import { z } from 'zod';
import { digestSchema } from '../../core/model-types.ts';
import { labelValueSchema, receivedLabelSchema } from './contract/labels.ts';

export * from './contract/archive.ts';
export * from './contract/labels.ts';
export * from './contract/replay.ts';
export * from './contract/sources.ts';

const time = z.iso.datetime({ offset: true });

/** An arm's name; `shadow` for copies. */
export const armSchema = z.string().min(1).max(40);
export type Arm = z.infer<typeof armSchema>;

/** A sealed piece of a replica's prediction log; its Parquet blob was uploaded before. */
export const predictionSegmentSchema = z.strictObject({
  id: z.string().min(1).max(200),
  /** The serving replica that wrote it. */
  replicaId: z.string().min(1).optional(),
  endpoint: z.string().min(1),
  digest: digestSchema,
  rows: z.int().min(1),
  minEventTimeMs: z.int(),
  maxEventTimeMs: z.int(),
});
export type PredictionSegment = z.infer<typeof predictionSegmentSchema>;

export const registeredSegmentSchema = z.strictObject({
  ...predictionSegmentSchema.shape,
  /** False if this segment was registered before; nothing was counted twice. */
  created: z.boolean(),
});
export type RegisteredSegment = z.infer<typeof registeredSegmentSchema>;

export const labelSegmentSchema = z.strictObject({
  id: z.string(),
  endpoint: z.string(),
  digest: digestSchema,
  rows: z.int(),
  minEventTimeMs: z.int(),
  maxEventTimeMs: z.int(),
});
export type LabelSegment = z.infer<typeof labelSegmentSchema>;

/** predictions = joined + waiting + unanswered, always. Every count is exact. */
const feedbackCountsSchema = z.strictObject({
  /** Distinct prediction ids, shadow copies not counted. */
  predictions: z.int(),
  /** Of these, answered with an error. */
  failed: z.int(),
  /** Of those, refused for what the caller sent (400 to 499): neither the server nor the model failed. */
  refused: z.int(),
  /** Of these, with a label. */
  joined: z.int(),
  /** Of these, answered and without a label yet. */
  waiting: z.int(),
  /** Of these, without a label and without an answer (an error, a caller who left): nobody waits for their label. */
  unanswered: z.int(),
  labelsReceived: z.int(),
  /** Labels beyond the first for the same prediction id. */
  duplicateLabels: z.int(),
  /** Distinct labelled ids that no prediction in the log has. */
  orphans: z.int(),
});
export type FeedbackCounts = z.infer<typeof feedbackCountsSchema>;

const orphanSchema = z.strictObject({
  predictionId: z.string(),
  value: labelValueSchema,
  eventTime: time,
  receivedAt: time,
});
export type Orphan = z.infer<typeof orphanSchema>;

export const feedbackSummarySchema = z.strictObject({
  endpoint: z.string(),
  total: feedbackCountsSchema,
  /** UTC days; predictions count on the day of their own event time, labels and orphans on the label's. */
  days: z.array(z.strictObject({ day: z.iso.date(), ...feedbackCountsSchema.shape })),
  orphanExamples: z.array(orphanSchema),
  /** Labels and signals that name an entity and a time of which no prediction is known yet. */
  waitingByEntity: z.int(),
  /** What to do about orphans and those that wait; null if there are none. */
  advice: z.string().nullable(),
  predictionSegments: z.int(),
  labelSegments: z.int(),
  countedAt: time,
});
export type FeedbackSummary = z.infer<typeof feedbackSummarySchema>;

export const outcomeSchema = z.enum(['correct', 'wrong']);
export type Outcome = z.infer<typeof outcomeSchema>;

const predictionLabelSchema = z.strictObject({
  value: labelValueSchema,
  eventTime: time,
  receivedAt: time,
});

/** One row of the prediction log joined with its label. */
const predictionSchema = z.strictObject({
  predictionId: z.string(),
  endpoint: z.string(),
  entity: z.string().nullable(),
  eventTime: time,
  receivedAt: time,
  model: z.string(),
  modelVersion: z.string(),
  arm: armSchema,
  /** 'ok' or the code of the error it was answered with. */
  status: z.string(),
  error: z.string().nullable(),
  /** Answered with an error because of what the caller sent (400 to 499): neither the server nor the model failed, nor did the caller leave. */
  refused: z.boolean(),
  latencyMs: z.number(),
  /** Until the first piece of an answer that came in pieces; null for others. */
  firstPieceMs: z.number().nullable(),
  /** null if there is none or it is not finite. */
  score: z.number().nullable(),
  label: predictionLabelSchema.nullable(),
  /** Score at least DECISION_THRESHOLD against a label of 0 or 1; null without both. */
  outcome: outcomeSchema.nullable(),
});
export type Prediction = z.infer<typeof predictionSchema>;

/** Rows whose entities were hashed with another key than control's: no search for an entity and no erasure reaches them. */
const otherHashKeySchema = z.strictObject({
  endpoint: z.string(),
  /** Who logged them. */
  replicaId: z.string(),
  /** Tells the key from others. */
  logHashKey: z.string(),
  /** As many as came; those that were removed since are among them. */
  rows: z.int(),
  /** Their first and last event time. */
  from: time,
  to: time,
});
export type OtherHashKey = z.infer<typeof otherHashKeySchema>;

/** GET /api/v1/predictions */
export const predictionsPageSchema = z.strictObject({
  items: z.array(predictionSchema),
  next: z.string().nullable(),
  /** Of a search for an entity: rows of the log among which it may be without being found. */
  otherKeys: z.array(otherHashKeySchema),
});
export type PredictionsPage = z.infer<typeof predictionsPageSchema>;

/** A score at or above it counts as a positive decision in `outcome` and in accuracy. */
export const DECISION_THRESHOLD = 0.5;

/** Everything known of one prediction id: the answer the caller got, then shadow copies. */
export const predictionDetailSchema = predictionSchema.extend({
  features: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  /** What the model answered, as JSON; null when it did not. */
  outputs: z.unknown(),
  routeVersion: z.int().nullable(),
  bucket: z.int().nullable(),
  propensity: z.number().nullable(),
  /** What the entity was hashed with; others divide the same entities anew. */
  salt: z.string().nullable(),
  /** Whether an entity chose the arm; false: drawn at random. */
  sticky: z.boolean().nullable(),
  /** How the caller went past the split: by a tester's token or a version in the path. */
  override: z.enum(['arm', 'version']).nullable(),
  /** Of the caller's W3C trace context. */
  traceId: z.string().nullable(),
  /** Log loss of this row; null without score and label. */
  logLoss: z.number().nullable(),
  /** All labels and signals received for it, the last event time first. */
  labels: z.array(receivedLabelSchema),
  /** What other models said of the same request without being heard. */
  shadows: z.array(predictionSchema),
});
export type PredictionDetail = z.infer<typeof predictionDetailSchema>;

const flag = z.enum(['true', 'false']).transform((value) => value === 'true');

/** Which predictions. Shadow rows come only with arm=shadow. */
export const predictionsFilterSchema = z.strictObject({
  endpoint: z.string().min(1),
  arm: armSchema.optional(),
  modelVersion: z.string().optional(),
  /** 'ok', 'failed' (any error) or one error's code. */
  status: z.string().optional(),
  from: time.optional(),
  to: time.optional(),
  labelled: flag.optional(),
  outcome: outcomeSchema.optional(),
  entity: z.string().optional(),
  /** Only rows in which this feature has this value: a segment. */
  feature: z.string().min(1).optional(),
  value: z.string().optional(),
  /** Score in [minScore, maxScore]. */
  minScore: z.coerce.number().optional(),
  maxScore: z.coerce.number().optional(),
});
export type PredictionsFilter = z.infer<typeof predictionsFilterSchema>;

/** GET /api/v1/prediction-facets */
export const logFacetsQuerySchema = predictionsFilterSchema.pick({ endpoint: true, from: true, to: true });

/** What a search can be narrowed to. Rows are counted as they were logged: one that was sent twice counts twice. */
export const logFacetsSchema = z.strictObject({
  /** Arms of any name, shadows too, with the versions that they were; the commonest first. */
  arms: z.array(z.strictObject({ arm: armSchema, modelVersion: z.string().nullable(), rows: z.int() })),
  /** 'ok' and codes of errors. */
  statuses: z.array(z.strictObject({ status: z.string(), rows: z.int() })),
  features: z.array(z.string()),
});
export type LogFacets = z.infer<typeof logFacetsSchema>;

/** GET /api/v1/log-readings */
export const logReadingSchema = z.strictObject({
  /** What is being read of the log for those who wait, for the evidence of a shadow or a rollout; null: nothing. */
  reading: z
    .strictObject({
      rowsRead: z.int(),
      /** Predictions and labels that were not read before. */
      rowsTotal: z.int(),
      startedAt: time,
    })
    .nullable(),
});
export type LogReading = z.infer<typeof logReadingSchema>;

/** Filters of GET /api/v1/predictions; newest event time first. */
export const predictionsQuerySchema = z.strictObject({
  ...predictionsFilterSchema.shape,
  limit: z.coerce.number().int().min(1).max(1000).default(50),
  after: z.string().optional(),
});

export const latencySchema = z.strictObject({ p50: z.number(), p95: z.number(), p99: z.number() });
export type Latency = z.infer<typeof latencySchema>;

/** Inputs of step kind `label-join`. */
export const labelJoinInputsSchema = z.strictObject({
  endpoint: z.string().min(1),
  from: time,
  to: time,
  /** Columns to keep, by their names in the request. */
  features: z.array(z.string().min(1)).min(1),
  /** Names that the label, the event time and the entity get in the output. */
  label: z.string().min(1),
  time: z.string().min(1),
  entity: z.string().min(1).optional(),
});

/** Outputs of step kind `label-join`: a Parquet blob in time order, one row per labelled prediction. */
export const labelJoinOutputsSchema = z.strictObject({
  digest: digestSchema,
  sizeBytes: z.int(),
  rows: z.int(),
  /** Predictions in the range that had no label yet and were left out. */
  waiting: z.int(),
  from: time,
  to: time,
});
export type LabelJoinOutputs = z.infer<typeof labelJoinOutputsSchema>;

/** Event type; subject = the endpoint, data = PredictionSegment. */
export const PREDICTION_SEGMENT_REGISTERED = 'prediction-segment.registered';
/** Event type; subject = the endpoint, data = LabelSegment. */
export const LABEL_SEGMENT_SEALED = 'label-segment.sealed';

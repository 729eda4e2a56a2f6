// Wire shapes of the monitoring slice: monitors, windows, drift, performance, health, alerts. Browser-safe.
import { z } from 'zod';
import { digestSchema } from '../../core/model-types.ts';

const time = z.iso.datetime({ offset: true });

const windowSizeSchema = z.enum(['day', 'week']);
export type WindowSize = z.infer<typeof windowSizeSchema>;

/** Names as the evaluation slice writes them. */
export const metricNameSchema = z.enum(['logLoss', 'brier', 'auc', 'accuracy', 'ece']);
export type MetricName = z.infer<typeof metricNameSchema>;

/** How an endpoint is watched. Everything has a default; applying the same again changes nothing. */
export const monitorSpecSchema = z.strictObject({
  window: windowSizeSchema.default('day'),
  /** A window closes when the watermark has passed its end by this much. */
  allowedDelayMs: z.int().min(0).default(0),
  /** A window's performance matures when the watermark has passed its end by this much. */
  labelDelayMs: z.int().min(0).default(0),
  drift: z
    .strictObject({
      /** Level of the two-sample tests, and of the false discovery rate over the columns of a window. */
      alpha: z.number().gt(0).lt(1).default(0.01),
      falseDiscoveryRate: z.number().gt(0).lt(1).default(0.05),
      /** Rank-space Wasserstein distance, noise removed, that matters for a number. */
      numericEffect: z.number().gt(0).default(0.03),
      /** Jensen-Shannon distance, noise removed, that matters for a category. */
      categoricalEffect: z.number().gt(0).default(0.05),
      /** Change of the share of missing values that matters. */
      missingRise: z.number().gt(0).default(0.01),
      minRows: z.int().min(1).default(200),
    })
    .prefault({}),
  performance: z
    .strictObject({
      metric: metricNameSchema.default('logLoss'),
      /** Loss of quality against the reference that is still all right. */
      tolerance: z.number().min(0).default(0),
      minLabels: z.int().min(1).default(200),
    })
    .prefault({}),
  health: z
    .strictObject({
      maxErrorRatio: z.number().gt(0).lt(1).default(0.01),
      maxLatencyP99Ms: z.number().gt(0).optional(),
    })
    .prefault({}),
  /** An alert opens when `windows` of the last `outOf` windows say so. */
  persistence: z
    .strictObject({ windows: z.int().min(1).default(2), outOf: z.int().min(1).default(3) })
    .prefault({}),
  alerts: z
    .array(z.strictObject({ webhook: z.url({ protocol: /^https?$/ }), secret: z.string().min(1).optional() }))
    .default([]),
});
export type MonitorSpec = z.infer<typeof monitorSpecSchema>;
export type MonitorSpecInput = z.input<typeof monitorSpecSchema>;

/** Value with its 95 % interval; bounds are null where none can be given. */
export const estimateSchema = z.strictObject({
  value: z.number(),
  low: z.number().nullable(),
  high: z.number().nullable(),
});
export type Estimate = z.infer<typeof estimateSchema>;

/** POST /api/v1/monitors/:endpoint/references: what a model version's windows are compared with from now on. */
export const monitorReferenceRequestSchema = z.strictObject({
  modelVersion: z.string().min(1),
  /** Features: the rows it was trained on. */
  datasetVersionId: z.string().min(1),
  /** Performance: the evaluation before it was deployed. Null: performance is shown, not judged. */
  evaluationId: z.string().min(1).nullable().default(null),
  /** Score: a Parquet blob with a column `score`. Null: the version's first week. */
  scoresDigest: digestSchema.nullable().default(null),
});
export type MonitorReferenceRequest = z.input<typeof monitorReferenceRequestSchema>;

export const monitorReferenceSchema = z.strictObject({
  modelVersion: z.string(),
  datasetVersionId: z.string(),
  evaluationId: z.string().nullable(),
  scoresDigest: digestSchema.nullable(),
  metrics: z.array(z.strictObject({ metric: metricNameSchema, ...estimateSchema.shape })),
  baseRate: z.number().nullable(),
});
export type MonitorReference = z.infer<typeof monitorReferenceSchema>;

export const monitorSchema = z.strictObject({
  endpoint: z.string(),
  /** Secrets are never returned: `signed` says that there is one. */
  spec: monitorSpecSchema.extend({
    alerts: z.array(z.strictObject({ webhook: z.string(), signed: z.boolean() })),
  }),
  references: z.array(monitorReferenceSchema),
  watermark: time.nullable(),
  /** Start of the first window that is not closed yet; null before the first prediction. */
  openWindowStart: time.nullable(),
  updatedAt: time,
});
export type Monitor = z.infer<typeof monitorSchema>;

/** drifted: p-value and effect both say so. insufficient: too few rows to say. no-data: the column was empty. */
const driftVerdictSchema = z.enum(['drifted', 'stable', 'insufficient', 'no-data']);
export type DriftVerdict = z.infer<typeof driftVerdictSchema>;

/** Both sides in the same bins. Numbers: edges (n + 1, outer bins open); categories: names, '(other)' last. */
export const comparisonSchema = z.strictObject({
  edges: z.array(z.number()).nullable(),
  categories: z.array(z.string()).nullable(),
  reference: z.array(z.int()),
  current: z.array(z.int()),
});
export type Comparison = z.infer<typeof comparisonSchema>;

const columnDriftSchema = z.strictObject({
  column: z.string(),
  /** 'score' is the model's own output, watched like a column. */
  role: z.enum(['feature', 'score']),
  kind: z.enum(['numeric', 'categorical']),
  test: z.enum(['kolmogorov-smirnov', 'chi-square']),
  statistic: z.number().nullable(),
  pValue: z.number().nullable(),
  /** After Benjamini-Hochberg over the columns of the window. */
  adjustedPValue: z.number().nullable(),
  /** Rank-space Wasserstein or Jensen-Shannon distance with what noise alone would give removed; >= 0. */
  effect: z.number().nullable(),
  /** What the effect must reach: what matters by the spec, on top of `naturalEffect`. */
  effectThreshold: z.number(),
  /** How much the reference's own windows differ from it (95th percentile); null where that is not known. */
  naturalEffect: z.number().nullable(),
  verdict: driftVerdictSchema,
  referenceRows: z.int(),
  currentRows: z.int(),
  missing: z.strictObject({
    referenceRatio: z.number(),
    currentRatio: z.number(),
    pValue: z.number().nullable(),
    verdict: driftVerdictSchema,
  }),
  newCategories: z.strictObject({
    rows: z.int(),
    ratio: z.number(),
    examples: z.array(z.strictObject({ value: z.string(), count: z.int() })),
  }),
  comparison: comparisonSchema,
  /** The verdict as a sentence with its numbers. */
  reason: z.string(),
});
export type ColumnDrift = z.infer<typeof columnDriftSchema>;

/** worse and better: the 95 % interval of the difference excludes zero (and the tolerance). */
const performanceVerdictSchema = z.enum(['worse', 'better', 'same', 'insufficient', 'no-reference']);

const metricResultSchema = z.strictObject({
  metric: metricNameSchema,
  ...estimateSchema.shape,
  reference: estimateSchema.nullable(),
  /** Current minus reference. */
  difference: estimateSchema.nullable(),
  /** The same metric of a model that always says the window's own base rate; null where it means nothing. */
  dummy: z.number().nullable(),
  verdict: performanceVerdictSchema,
  reason: z.string(),
});
export type MetricResult = z.infer<typeof metricResultSchema>;

export const calibrationBinSchema = z.strictObject({
  meanScore: z.number(),
  observedRate: z.number(),
  low: z.number(),
  high: z.number(),
  rows: z.int(),
});

const performanceSchema = z.strictObject({
  /** False while labels are still expected: draw it hatched. */
  mature: z.boolean(),
  labelled: z.int(),
  /** Predictions that can have a label: answered without error. */
  eligible: z.int(),
  coverageRatio: z.number(),
  baseRate: estimateSchema.nullable(),
  referenceBaseRate: z.number().nullable(),
  meanScore: z.number().nullable(),
  metrics: z.array(metricResultSchema),
  calibration: z.array(calibrationBinSchema),
});
export type Performance = z.infer<typeof performanceSchema>;

const healthSchema = z.strictObject({
  requests: z.int(),
  /** By the model's or the server's own fault. */
  failed: z.int(),
  /** For what callers sent; of no model's fault, and not in the error ratio. */
  refused: z.int().default(0),
  nonFinite: z.int(),
  /** Errors and scores that are no numbers, of what was not refused. */
  errorRatio: estimateSchema,
  requestsPerHour: z.number(),
  latencyMs: z.strictObject({ p50: z.number(), p95: z.number(), p99: z.number() }).nullable(),
  verdict: z.enum(['good', 'bad', 'insufficient']),
  reason: z.string(),
});
export type Health = z.infer<typeof healthSchema>;

/** One closed window of one model version of one endpoint, in event time. */
export const monitorWindowSummarySchema = z.strictObject({
  id: z.string(),
  endpoint: z.string(),
  modelVersion: z.string(),
  size: windowSizeSchema,
  start: time,
  end: time,
  state: z.enum(['closed', 'matured']),
  /** 1 at closing, then one more each time late labels or replayed rows changed the numbers. */
  revision: z.int(),
  rows: z.int(),
  driftedColumns: z.array(z.string()),
  scoreDrifted: z.boolean(),
  performance: performanceSchema.omit({ calibration: true }),
  health: healthSchema,
  computedAt: time,
});
export type MonitorWindowSummary = z.infer<typeof monitorWindowSummarySchema>;

export const monitorWindowSchema = monitorWindowSummarySchema.extend({
  performance: performanceSchema,
  drift: z.array(columnDriftSchema),
  reference: z
    .strictObject({
      datasetVersionId: z.string(),
      rows: z.int(),
      scores: z.enum(['reference', 'first-week', 'none']),
    })
    .nullable(),
});
export type MonitorWindow = z.infer<typeof monitorWindowSchema>;

export const windowsQuerySchema = z.strictObject({
  endpoint: z.string().min(1),
  modelVersion: z.string().optional(),
  from: time.optional(),
  to: time.optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(100),
  after: z.string().optional(),
});

export const alertKindSchema = z.enum([
  'feature-drift',
  'score-drift',
  'missing-values',
  'performance',
  'errors',
  /** Most requests are refused for what callers send. */
  'refused',
  'latency',
  /** A rollout ended by harm, or undecided; the subject names it. */
  'rollout',
  /** A replica has set a segment of its prediction log aside; the subject names the file. Of no model version. */
  'log-damage',
  /** A replica that was not stopped is away, or its clock is off; the subject names it. Of no model version. */
  'replica-away',
  'replica-clock',
  /** It hashes fields of its log with another key than control. */
  'replica-hash-key',
  /** Control was restored from a backup that is older than what a replica had told it; the subject names the replica. */
  'restored',
]);
export type AlertKind = z.infer<typeof alertKindSchema>;

/** Those that are about replicas. */
export const replicaAlertKinds = [
  'replica-away',
  'replica-clock',
  'replica-hash-key',
] as const satisfies readonly AlertKind[];
export type ReplicaAlertKind = (typeof replicaAlertKinds)[number];

const alertDeliverySchema = z.strictObject({
  id: z.string(),
  event: z.enum(['alert.opened', 'alert.resolved']),
  url: z.string(),
  signed: z.boolean(),
  state: z.enum(['pending', 'delivered', 'failed']),
  attempts: z.int(),
  httpStatus: z.int().nullable(),
  error: z.string().nullable(),
  updatedAt: time,
});
export type AlertDelivery = z.infer<typeof alertDeliverySchema>;

export const alertEvidenceSchema = z.strictObject({
  /** Of a rollout: its own id and event times. Of a damaged log, and of a replica: the replica, and when control heard of it. */
  window: z.strictObject({ id: z.string(), start: time, end: time }),
  value: z.number().nullable(),
  threshold: z.number().nullable(),
  reason: z.string(),
});
export type AlertEvidence = z.infer<typeof alertEvidenceSchema>;

/** One incident per cause: the same finding in later windows adds evidence to the open alert. */
export const alertSchema = z.strictObject({
  id: z.string(),
  endpoint: z.string(),
  /** '': of none. */
  modelVersion: z.string(),
  kind: alertKindSchema,
  /** The column, the metric, the rollout, the file, the replica, or '' where the kind says it all. */
  subject: z.string(),
  severity: z.enum(['watch', 'bad']),
  state: z.enum(['open', 'acknowledged', 'resolved']),
  reason: z.string(),
  evidence: z.array(alertEvidenceSchema),
  /** Event times: end of the window that opened and that resolved it. */
  openedAt: time,
  resolvedAt: time.nullable(),
  resolution: z.string().nullable(),
  acknowledgedBy: z.string().nullable(),
  acknowledgedReason: z.string().nullable(),
  deliveries: z.array(alertDeliverySchema),
  /** Wall clock. */
  createdAt: time,
  updatedAt: time,
});
export type Alert = z.infer<typeof alertSchema>;

export const alertsQuerySchema = z.strictObject({
  endpoint: z.string().optional(),
  state: z.enum(['open', 'acknowledged', 'resolved', 'unresolved']).optional(),
  limit: z.coerce.number().int().min(1).max(1000).default(50),
  after: z.string().optional(),
});

export const acknowledgeAlertRequestSchema = z.strictObject({ reason: z.string().max(2000).default('') });

/** What a control that was restored from an older backup does not know of a replica. */
export interface RestoredControl {
  readonly replicaId: string;
  readonly endpoints: readonly string[];
  /** The gap; null where that end is not known. */
  readonly fromMs: number | null;
  readonly toMs: number | null;
}

/** What is known of a replica, as its caller tells it. */
export interface WatchedReplica {
  readonly replicaId: string;
  readonly endpoints: readonly string[];
  readonly awaySinceMs: number | null;
  /** Whether `awaySinceMs` says anything. */
  readonly presenceIsKnown: boolean;
  readonly clockAheadMs: number | null;
  /** null: not known. */
  readonly clockIsOff: boolean | null;
  /** Those of its endpoints whose log it hashes with another key than control. */
  readonly otherKeyEndpoints: readonly string[];
}

/** Event types; subject = the endpoint, event time = the window's end, data = WindowEvent. */
export const WINDOW_CLOSED = 'window.closed';
export const WINDOW_MATURED = 'window.matured';
/** Late labels or rows changed the numbers of a window. */
export const WINDOW_REVISED = 'window.revised';

const windowEventSchema = z.strictObject({
  windowId: z.string(),
  endpoint: z.string(),
  modelVersion: z.string(),
  startMs: z.int(),
  endMs: z.int(),
  revision: z.int(),
  rows: z.int(),
  labelled: z.int(),
  driftedColumns: z.array(z.string()),
  scoreDrifted: z.boolean(),
  performanceVerdict: performanceVerdictSchema,
});
export type WindowEvent = z.infer<typeof windowEventSchema>;

/** A rollout that ended by harm, as its caller tells it. */
export interface RolloutAborted {
  readonly endpoint: string;
  /** The version that was rolled out. */
  readonly modelVersion: string;
  /** Names the rollout, e.g. `rollout/0192…` or `turn/flights/3`. */
  readonly subject: string;
  readonly reason: string;
  /** Event times of its begin and end. */
  readonly beganMs: number;
  readonly endedMs: number;
}

/** A segment of the prediction log that a replica has set aside, as its caller tells it. */
export interface DamagedLog {
  readonly endpoint: string;
  readonly file: string;
  readonly problem: string | null;
  /** null: not known. */
  readonly rowsRead: number | null;
  readonly rowsLost: number | null;
}

/** A segment of a prediction log, or of its labels, that control cannot read, as its caller tells it. */
export interface UnreadableSegment {
  readonly id: string;
  readonly endpoint: string;
  readonly family: 'prediction' | 'label';
  readonly digest: string;
  readonly rows: number;
  readonly minEventTimeMs: number;
  readonly maxEventTimeMs: number;
  readonly why: string;
}

/** Event types; subject = the endpoint, event time = the window's end, data = AlertEvent. */
export const ALERT_OPENED = 'alert.opened';
export const ALERT_RESOLVED = 'alert.resolved';

const alertEventSchema = z.strictObject({
  alertId: z.string(),
  endpoint: z.string(),
  modelVersion: z.string(),
  kind: alertKindSchema,
  subject: z.string(),
  severity: z.enum(['watch', 'bad']),
  reason: z.string(),
});
export type AlertEvent = z.infer<typeof alertEventSchema>;

/** Inputs and outputs of step kind `monitor`: everything due for an endpoint at its watermark. */
export const monitorInputsSchema = z.strictObject({ endpoint: z.string().min(1) });
export const monitorOutputsSchema = z.strictObject({
  closed: z.int(),
  matured: z.int(),
  revised: z.int(),
  alertsOpened: z.int(),
  alertsResolved: z.int(),
});
export type MonitorOutputs = z.infer<typeof monitorOutputsSchema>;

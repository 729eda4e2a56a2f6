import { z } from 'zod';
import {
  gateResultSchema as anyGateResultSchema,
  estimateSchema,
  type Verdict,
  verdictSchema,
} from '../../core/gate-result.ts';
import { digestSchema } from '../../core/model-types.ts';

export { type Estimate, estimateSchema, type Verdict, verdictSchema } from '../../core/gate-result.ts';

/**
 * The metrics of a binary classifier, in display order. `goal` says which way is better. `kind` says what the
 * metric looks at: the order of the scores, the scores as probabilities, or the decisions at the threshold.
 */
export const METRICS = {
  auc: { title: 'AUC', goal: 'maximize', kind: 'ranking' },
  logLoss: { title: 'Log loss', goal: 'minimize', kind: 'probability' },
  brier: { title: 'Brier score', goal: 'minimize', kind: 'probability' },
  ece: { title: 'Calibration error (ECE)', goal: 'minimize', kind: 'probability' },
  accuracy: { title: 'Accuracy', goal: 'maximize', kind: 'decision' },
  balancedAccuracy: { title: 'Balanced accuracy', goal: 'maximize', kind: 'decision' },
  precision: { title: 'Precision', goal: 'maximize', kind: 'decision' },
  recall: { title: 'Recall', goal: 'maximize', kind: 'decision' },
  specificity: { title: 'Specificity', goal: 'maximize', kind: 'decision' },
  f1: { title: 'F1', goal: 'maximize', kind: 'decision' },
  mcc: { title: 'Matthews correlation', goal: 'maximize', kind: 'decision' },
} as const satisfies Record<string, { title: string; goal: 'maximize' | 'minimize'; kind: string }>;

export type MetricName = keyof typeof METRICS;

/** Names of all metrics that a gate may name, in display order. */
const METRIC_NAMES = Object.keys(METRICS) as readonly MetricName[] as readonly [MetricName, ...MetricName[]];

/** A metric's name; the error of an unknown one names those that are known. */
export const metricNameSchema = z.enum(METRIC_NAMES, {
  error: (issue) =>
    `unknown metric ${JSON.stringify(issue.input)}; the known metrics are ${METRIC_NAMES.join(', ')}`,
});

const metricFloorGate = z.strictObject({ metric: metricNameSchema, min: z.number() });
const metricCeilingGate = z.strictObject({ metric: metricNameSchema, max: z.number() });
const metricAgainstGate = z.strictObject({
  metric: metricNameSchema,
  against: z.literal('champion'),
  /** How much worse than the champion is still accepted, in the metric's own unit; 0 asks for better. */
  margin: z.number().nonnegative('margin is a number, not negative').default(0),
});
const latencyGate = z.strictObject({
  latencyP99Ms: z.number().positive('latencyP99Ms is a positive number of milliseconds'),
});

const GATE_FORMS =
  '{ metric, min }, { metric, max }, { metric, against: champion, margin } or { latencyP99Ms }' as const;

/** What is wrong with a gate that fits none of the forms, as one sentence. */
function gateProblem(input: unknown): string {
  if (typeof input !== 'object' || input === null) return `a gate is one of ${GATE_FORMS}`;
  if ('latencyP99Ms' in input && typeof input.latencyP99Ms !== 'number') {
    return `latencyP99Ms is a positive number of milliseconds, not ${JSON.stringify(input.latencyP99Ms)}`;
  }
  if ('metric' in input) {
    const metric = metricNameSchema.safeParse(input.metric);
    if (!metric.success) return metric.error.issues[0]?.message ?? 'unknown metric';
  }
  const known = ['metric', 'min', 'max', 'against', 'margin', 'latencyP99Ms'];
  const unknownKey = Object.keys(input).find((key) => !known.includes(key));
  if (unknownKey !== undefined) return `unknown key ${unknownKey}; a gate is one of ${GATE_FORMS}`;
  return `a gate is one of ${GATE_FORMS}, with numbers for min, max and margin (not negative)`;
}

/** One gate as it is written in a loop file, e.g. `{ metric: auc, min: 0.65 }`. */
export const gateSchema = z.union([metricFloorGate, metricCeilingGate, metricAgainstGate, latencyGate], {
  error: (issue) => gateProblem(issue.input),
});
export type Gate = z.infer<typeof gateSchema>;

/** Estimates by metric; one that is not defined on the rows has the value null. */
export const metricEstimatesSchema = z.record(metricNameSchema, estimateSchema);
export type MetricEstimates = z.infer<typeof metricEstimatesSchema>;

/** A gate's result, whose gate is one of those that the slice can judge. */
export const gateResultSchema = anyGateResultSchema.extend({ gate: gateSchema.nullable() });
export type GateResult = z.infer<typeof gateResultSchema>;

/** Metrics of one set of rows, side by side. Differences are candidate minus the other, on the same rows. */
export const comparisonSchema = z.object({
  rows: z.number().int(),
  positives: z.number().int(),
  candidate: metricEstimatesSchema,
  dummy: metricEstimatesSchema,
  champion: metricEstimatesSchema.nullable(),
  candidateMinusDummy: metricEstimatesSchema,
  candidateMinusChampion: metricEstimatesSchema.nullable(),
});
export type Comparison = z.infer<typeof comparisonSchema>;

/** The comparison on the rows that have one value in a column. */
const segmentSchema = z.object({
  column: z.string(),
  /** The column's value as text; null = the value is missing. For `kind: other` the pooled rest. */
  value: z.string().nullable(),
  kind: z.enum(['value', 'missing', 'other']),
  comparison: comparisonSchema,
});
export type Segment = z.infer<typeof segmentSchema>;

/** A point of the reliability curve: bins hold about equal numbers of rows, and never part equal scores. */
export const calibrationBinSchema = z.object({
  /** Smallest and largest score in the bin. */
  fromScore: z.number(),
  toScore: z.number(),
  meanScore: z.number(),
  /** Share of positive labels in the bin, with its Wilson interval. */
  observed: estimateSchema,
});
/** How far scores may be read as probabilities. */
const calibrationSchema = z.object({
  bins: z.array(calibrationBinSchema),
  /** Logistic recalibration: label ~ intercept + slope × logit(score). Ideal: 0 and 1. null = not defined. */
  intercept: z.number().nullable(),
  slope: z.number().nullable(),
});
export type Calibration = z.infer<typeof calibrationSchema>;

/** Counts of decisions (score at or above the threshold) against labels. */
const confusionSchema = z.object({
  truePositives: z.number().int(),
  falsePositives: z.number().int(),
  trueNegatives: z.number().int(),
  falseNegatives: z.number().int(),
});
export type Confusion = z.infer<typeof confusionSchema>;

/** Time of one packaged model for one row, scored alone, measured in the process that evaluates. */
export const latencySchema = z.object({
  p50Ms: estimateSchema,
  p99Ms: estimateSchema,
});
export type Latency = z.infer<typeof latencySchema>;

/** What is drawn of one model. */
const modelCurvesSchema = z.object({
  packageDigest: digestSchema,
  latency: latencySchema,
  /** Rows on which the model gave NaN or an infinity; they are left out of every comparison. */
  nonFiniteScores: z.number().int(),
  confusion: confusionSchema,
  calibration: calibrationSchema,
  /** 20 bins of equal width over 0..1. */
  scoreHistogram: z.array(
    z.object({
      fromScore: z.number(),
      toScore: z.number(),
      negatives: z.number().int(),
      positives: z.number().int(),
    }),
  ),
  /** At most 100 points from (0, 0) to (1, 1). null when one class is absent. `threshold` null at (0, 0). */
  roc: z
    .array(
      z.object({
        falsePositiveRate: z.number(),
        truePositiveRate: z.number(),
        threshold: z.number().nullable(),
      }),
    )
    .nullable(),
});
export type ModelCurves = z.infer<typeof modelCurvesSchema>;

/** Which rows of the file are held out. Row numbers count from 0 in file order; both ends are [from, to). */
const holdoutSchema = z.discriminatedUnion('by', [
  z.strictObject({
    by: z.literal('rows'),
    fromRow: z.number().int().nonnegative(),
    toRow: z.number().int().positive(),
  }),
  z.strictObject({ by: z.literal('time'), column: z.string(), from: z.string(), to: z.string() }),
]);
export type Holdout = z.infer<typeof holdoutSchema>;

export const evaluationReportSchema = z.object({
  formatVersion: z.literal(1),
  task: z.literal('binary-classification'),
  dataset: z.object({
    digest: digestSchema,
    holdout: holdoutSchema,
    labelColumn: z.string(),
    positiveClass: z.string(),
    /** Rows in the hold-out, and how many of them were left out because they have no label. */
    rows: z.number().int(),
    unlabelledRows: z.number().int(),
  }),
  /** A score at or above it is a positive decision. */
  threshold: z.number(),
  confidence: z.number(),
  seed: z.number().int(),
  /** The dummy model answers this share of positives to every row. */
  dummy: z.object({ score: z.number(), from: z.enum(['rows outside the hold-out', 'the hold-out itself']) }),
  overall: comparisonSchema,
  segments: z.array(segmentSchema),
  candidate: modelCurvesSchema,
  champion: modelCurvesSchema.nullable(),
  gates: z.array(gateResultSchema),
  /** fail if any gate fails, else unsure if any is unsure, else pass. */
  verdict: verdictSchema,
});
export type EvaluationReport = z.infer<typeof evaluationReportSchema>;

/** Inputs of the step kind `evaluate`. Digests name blobs: package manifests, and the Parquet file of the rows. */
export const evaluateInputsSchema = z.strictObject({
  candidateDigest: digestSchema,
  championDigest: digestSchema.nullable(),
  datasetDigest: digestSchema,
  holdout: holdoutSchema,
  labelColumn: z.string(),
  /** The label's value that counts as positive, as text (`true`, `1`, `late`). */
  positiveClass: z.string(),
  /** Columns to break the metrics down by. */
  segments: z.array(z.string()).default([]),
  threshold: z.number().min(0).max(1).default(0.5),
  gates: z.array(gateSchema),
  seed: z.number().int().default(0),
});
export type EvaluateInputs = z.infer<typeof evaluateInputsSchema>;

/** Outputs of the step kind `evaluate`. */
export const evaluateOutputsSchema = z.object({ report: evaluationReportSchema });

/** One row of `GET /api/v1/evaluations`. */
export const evaluationSummarySchema = z.object({
  /** The id of the step run that made it. */
  id: z.string(),
  /** What the step worked on, e.g. `flight-delay/7` (a turn). */
  subject: z.string(),
  createdAt: z.string(),
  candidateDigest: digestSchema,
  championDigest: digestSchema.nullable(),
  datasetDigest: digestSchema,
  rows: z.number().int(),
  verdict: verdictSchema,
  gates: z.array(gateResultSchema),
  candidate: metricEstimatesSchema,
});
export type EvaluationSummary = z.infer<typeof evaluationSummarySchema>;

/** `GET /api/v1/evaluations/:id`. */
export const evaluationSchema = evaluationSummarySchema.extend({ report: evaluationReportSchema });
export type Evaluation = z.infer<typeof evaluationSchema>;

/** An evaluation was recorded; the event's subject is the evaluation, its data this. */
export const EVALUATION_RECORDED = 'evaluation.recorded';
export interface EvaluationRecorded {
  readonly subject: string;
  readonly verdict: Verdict;
}

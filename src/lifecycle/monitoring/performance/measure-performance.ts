import { createRng } from '../../../core/rng.ts';
import { auc } from '../../../core/statistics/classification/auc.ts';
import { calibrationBins } from '../../../core/statistics/classification/calibration-bins.ts';
import { expectedCalibrationError } from '../../../core/statistics/classification/expected-calibration-error.ts';
import { brierOf, logLossOf, rowLosses } from '../../../core/statistics/classification/row-losses.ts';
import type { Estimate as PlainEstimate } from '../../../core/statistics/estimate.ts';
import { meanEstimate } from '../../../core/statistics/mean-estimate.ts';
import { wilson } from '../../../core/statistics/wilson.ts';
import type { Estimate, MetricName, MonitorReference, MonitorSpec, Performance } from '../contract.ts';
import { compareMetric } from './compare-metric.ts';

/** Answered predictions of a window whose label is in: label 0 or 1, score a finite probability. */
export interface LabelledScores {
  readonly labels: Uint8Array;
  readonly scores: Float64Array;
}

export interface Coverage {
  /** Answered predictions, labelled or not. */
  readonly eligible: number;
  readonly mature: boolean;
}

const metricNames: readonly MetricName[] = ['logLoss', 'brier', 'auc', 'accuracy', 'ece'];
const decisionThreshold = 0.5;
const bootstrapSeed = 7600;

/**
 * Measures a window of one model version, each metric with its 95 % interval, beside the reference and beside a
 * dummy that always says the window's own base rate (so a loss that fell because the world got easier is seen as
 * such). A metric that is not defined (AUC with one class) is left out.
 */
export function measurePerformance(
  { labels, scores }: LabelledScores,
  { eligible, mature }: Coverage,
  reference: MonitorReference | undefined,
  spec: MonitorSpec['performance'],
): Performance {
  const n = labels.length;
  const positives = labels.reduce((sum, label) => sum + label, 0);
  const rate = n === 0 ? null : positives / n;
  const estimates: Readonly<Record<MetricName, () => PlainEstimate>> = {
    logLoss: () => meanEstimate(rowLosses(labels, scores, logLossOf)),
    brier: () => meanEstimate(rowLosses(labels, scores, brierOf)),
    auc: () => auc(labels, scores),
    accuracy: () => wilson(correct(labels, scores), n),
    ece: () => expectedCalibrationError(labels, scores, { rng: createRng(bootstrapSeed), resamples: 200 }),
  };
  const metrics = metricNames.flatMap((metric) => {
    const estimate = n === 0 ? undefined : defined(estimates[metric]());
    if (!estimate) return [];
    const before = reference?.metrics.find((known) => known.metric === metric);
    const tolerance = metric === spec.metric ? spec.tolerance : 0;
    return [
      {
        metric,
        ...estimate,
        ...compareMetric(metric, estimate, before, { n, minLabels: spec.minLabels, tolerance }),
        dummy: rate === null ? null : dummyOf(metric, rate),
      },
    ];
  });
  return {
    mature,
    labelled: n,
    eligible,
    coverageRatio: eligible === 0 ? 0 : n / eligible,
    baseRate: n === 0 ? null : (defined(wilson(positives, n)) ?? null),
    referenceBaseRate: reference?.baseRate ?? null,
    meanScore: n === 0 ? null : scores.reduce((sum, score) => sum + score, 0) / n,
    metrics,
    calibration: calibrationBins(labels, scores, { bins: 10 }).map(({ meanScore, observed }) => ({
      meanScore,
      observedRate: observed.value ?? 0,
      low: observed.low ?? 0,
      high: observed.high ?? 1,
      rows: observed.n,
    })),
  };
}

function correct(labels: Uint8Array, scores: Float64Array): number {
  return labels.reduce(
    (sum, label, i) => sum + (scores[i]! >= decisionThreshold === (label === 1) ? 1 : 0),
    0,
  );
}

function defined({ value, low, high }: PlainEstimate): Estimate | undefined {
  return value === null ? undefined : { value, low, high };
}

/** What always saying the base rate scores; null for calibration, which it has by construction. */
function dummyOf(metric: MetricName, rate: number): number | null {
  if (metric === 'logLoss')
    return rate === 0 || rate === 1 ? 0 : rate * logLossOf(1, rate) + (1 - rate) * logLossOf(0, rate);
  if (metric === 'brier') return rate * (1 - rate);
  if (metric === 'accuracy') return Math.max(rate, 1 - rate);
  return metric === 'auc' ? 0.5 : null;
}

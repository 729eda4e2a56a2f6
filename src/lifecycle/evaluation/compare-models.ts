import { createRng } from '../../core/rng.ts';
import { auc, aucDifference } from '../../core/statistics/classification/auc.ts';
import { confusionOf } from '../../core/statistics/classification/confusion.ts';
import {
  decisionDifferences,
  decisionEstimates,
} from '../../core/statistics/classification/decision-estimates.ts';
import {
  calibrationErrorDifference,
  expectedCalibrationError,
} from '../../core/statistics/classification/expected-calibration-error.ts';
import {
  brierOf,
  logLossOf,
  rowDifferences,
  rowLosses,
} from '../../core/statistics/classification/row-losses.ts';
import type { Estimate } from '../../core/statistics/estimate.ts';
import { meanEstimate } from '../../core/statistics/mean-estimate.ts';
import type { Comparison, MetricEstimates } from './contract.ts';

/** Labels and scores of the same rows. All scores are finite. */
export interface ScoredRows {
  readonly labels: Uint8Array;
  readonly candidate: Float64Array;
  readonly champion: Float64Array | null;
}

interface ComparisonOptions {
  readonly threshold: number;
  readonly confidence: number;
  /** The score that the dummy model gives to every row. */
  readonly dummyScore: number;
  readonly seed: number;
  readonly resamples: number;
}

/** Every metric of candidate, dummy and champion on the same rows, and the paired differences. */
export function compareModels(rows: ScoredRows, options: ComparisonOptions): Comparison {
  const { labels, candidate, champion } = rows;
  const dummy = new Float64Array(labels.length).fill(options.dummyScore);
  let positives = 0;
  for (const label of labels) positives += label;
  return {
    rows: labels.length,
    positives,
    candidate: estimatesOf(labels, candidate, options),
    dummy: estimatesOf(labels, dummy, options),
    champion: champion && estimatesOf(labels, champion, options),
    candidateMinusDummy: differencesOf(labels, candidate, dummy, options),
    candidateMinusChampion: champion && differencesOf(labels, candidate, champion, options),
  };
}

function estimatesOf(labels: Uint8Array, scores: Float64Array, options: ComparisonOptions): MetricEstimates {
  const bootstrap = { ...options, rng: createRng(options.seed) };
  return {
    auc: plain(auc(labels, scores, options.confidence)),
    logLoss: meanEstimate(rowLosses(labels, scores, logLossOf), options.confidence),
    brier: meanEstimate(rowLosses(labels, scores, brierOf), options.confidence),
    ece: expectedCalibrationError(labels, scores, bootstrap),
    ...decisionEstimates(confusionOf(labels, scores, options.threshold), bootstrap),
  };
}

function differencesOf(
  labels: Uint8Array,
  first: Float64Array,
  second: Float64Array,
  options: ComparisonOptions,
): MetricEstimates {
  const bootstrap = { ...options, rng: createRng(options.seed) };
  const meanDifference = (loss: (label: number, score: number) => number): Estimate =>
    meanEstimate(
      rowDifferences(rowLosses(labels, first, loss), rowLosses(labels, second, loss)),
      options.confidence,
    );
  return {
    auc: plain(aucDifference(labels, first, second, options.confidence)),
    logLoss: meanDifference(logLossOf),
    brier: meanDifference(brierOf),
    ece: calibrationErrorDifference(labels, first, second, bootstrap),
    ...decisionDifferences(labels, first, second, options.threshold, bootstrap),
  };
}

function plain({ value, low, high, n }: Estimate): Estimate {
  return { value, low, high, n };
}

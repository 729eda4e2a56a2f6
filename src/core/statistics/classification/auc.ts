import { type Estimate, undefinedEstimate } from '../estimate.ts';
import { normalQuantile } from '../special/normal-quantile.ts';
import { normalTwoSidedP } from '../special/normal-two-sided-p.ts';
import { wilson } from '../wilson.ts';
import { tiedRuns } from './order-of.ts';

/** Share of pairs won by each positive (over all negatives) and by each negative (lost to positives); ties half. */
interface Placements {
  readonly ofPositives: Float64Array;
  readonly ofNegatives: Float64Array;
}

/**
 * Area under the ROC curve (ties count half) with DeLong's interval, clipped to [0, 1]. Undefined (null) if one
 * class is absent. With one row of a class the interval is null. When the classes are fully separated DeLong's
 * variance is 0, which a few rows cannot prove; then the interval is Wilson's for as many successes in as many
 * trials as the rarer class has rows.
 *
 * @param labels 1 = positive, 0 = negative
 * @param scores finite, higher = more likely positive
 * Sources: DeLong et al. (1988); in n log n by sorting, as Sun, Xu (2014).
 */
export function auc(labels: Uint8Array, scores: Float64Array, confidence = 0.95): Estimate {
  const placements = placementsOf(labels, scores);
  if (placements === null) return undefinedEstimate(labels.length);
  const value = mean(placements.ofPositives);
  const variance = covariance(placements, placements);
  if (variance === null) return { value, low: null, high: null, n: labels.length };
  const rarer = Math.min(placements.ofPositives.length, placements.ofNegatives.length);
  if (value === 0 || value === 1) {
    const { low, high } = wilson(value * rarer, rarer, confidence);
    return { value, low, high, n: labels.length };
  }
  const half = normalQuantile(0.5 + confidence / 2) * Math.sqrt(variance);
  return { value, low: Math.max(0, value - half), high: Math.min(1, value + half), n: labels.length };
}

/** The difference of two AUCs with DeLong's test that it is 0. */
interface AucDifference extends Estimate {
  /** Two-sided; null where the difference is undefined, 1 if both models order all rows alike. */
  readonly pValue: number | null;
}

/**
 * Difference of two models' AUC (first minus second) on the same rows: DeLong's paired test and interval.
 * Undefined (null) if one class is absent. Source: DeLong et al. (1988).
 */
export function aucDifference(
  labels: Uint8Array,
  first: Float64Array,
  second: Float64Array,
  confidence = 0.95,
): AucDifference {
  const a = placementsOf(labels, first);
  const b = placementsOf(labels, second);
  if (a === null || b === null) return { ...undefinedEstimate(labels.length), pValue: null };
  const value = mean(a.ofPositives) - mean(b.ofPositives);
  const parts = [covariance(a, a), covariance(b, b), covariance(a, b)] as const;
  if (parts[0] === null || parts[1] === null || parts[2] === null) {
    return { value, low: null, high: null, n: labels.length, pValue: null };
  }
  const standardError = Math.sqrt(Math.max(0, parts[0] + parts[1] - 2 * parts[2]));
  const half = normalQuantile(0.5 + confidence / 2) * standardError;
  const pValue = standardError === 0 ? Number(value === 0) : normalTwoSidedP(value / standardError);
  return { value, low: value - half, high: value + half, n: labels.length, pValue };
}

function placementsOf(labels: Uint8Array, scores: Float64Array): Placements | null {
  let positives = 0;
  for (const label of labels) positives += label === 1 ? 1 : 0;
  const negatives = labels.length - positives;
  if (positives === 0 || negatives === 0) return null;
  const byRow = new Float64Array(scores.length);
  let [positivesBelow, negativesBelow] = [0, 0];
  for (const [from, to, order] of tiedRuns(scores)) {
    let positivesHere = 0;
    for (let i = from; i < to; i++) positivesHere += labels[order[i]!] === 1 ? 1 : 0;
    const negativesHere = to - from - positivesHere;
    const won = (negativesBelow + negativesHere / 2) / negatives;
    const lost = 1 - (positivesBelow + positivesHere / 2) / positives;
    for (let i = from; i < to; i++) byRow[order[i]!] = labels[order[i]!] === 1 ? won : lost;
    positivesBelow += positivesHere;
    negativesBelow += negativesHere;
  }
  return {
    ofPositives: byRow.filter((_, row) => labels[row] === 1),
    ofNegatives: byRow.filter((_, row) => labels[row] !== 1),
  };
}

function covariance(a: Placements, b: Placements): number | null {
  const positives = sampleCovariance(a.ofPositives, b.ofPositives);
  const negatives = sampleCovariance(a.ofNegatives, b.ofNegatives);
  if (positives === null || negatives === null) return null;
  return positives / a.ofPositives.length + negatives / a.ofNegatives.length;
}

function sampleCovariance(x: Float64Array, y: Float64Array): number | null {
  if (x.length < 2) return null;
  const meanX = mean(x);
  const meanY = mean(y);
  let sum = 0;
  for (let i = 0; i < x.length; i++) sum += (x[i]! - meanX) * (y[i]! - meanY);
  return sum / (x.length - 1);
}

function mean(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

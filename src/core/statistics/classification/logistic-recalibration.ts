import { momentsOf } from '../moments.ts';

/** Scores are kept this far from 0 and 1 before their logit is taken. */
const EPSILON = 1e-12;
const MAX_STEPS = 100;
/** A step that moves less than this part of the fit is the last. Labels that the scores separate never come to one. */
const TOLERANCE = 1e-8;

/** What rounding makes of a loss that is the same. */
const ROUNDING = 1e-12;

interface Fit {
  readonly intercept: number;
  readonly slope: number;
}

/**
 * Calibration intercept and slope: the maximum-likelihood fit of label ~ intercept + slope·logit(score). Ideal: 0
 * and 1; slope < 1 = scores too extreme. null if one class is absent, all scores are equal, or the labels are
 * separated by the scores (no finite maximum). Source: Cox (1958); Newton's method from the fit that knows the share
 * of positives alone, a step halved until it loses nothing, so that scores of 0 and 1 with wrong ones among them,
 * as forests give, find their maximum too.
 */
export function logisticRecalibration(labels: Uint8Array, scores: Float64Array): Fit | null {
  const positives = labels.reduce((sum, label) => sum + label, 0);
  if (positives === 0 || positives === labels.length) return null;
  const logits = scores.map((score) => {
    const p = Math.min(1 - EPSILON, Math.max(EPSILON, score));
    return Math.log(p / (1 - p));
  });
  // About their mean and in units of their spread: scores close together are not equal ones.
  const { mean, m2 } = momentsOf(logits);
  const spread = Math.sqrt(m2 / logits.length);
  if (!(spread > 0)) return null;
  const fit = likeliest(
    labels,
    logits.map((x) => (x - mean) / spread),
    positives,
  );
  return fit && { intercept: fit.intercept - (fit.slope * mean) / spread, slope: fit.slope / spread };
}

function likeliest(labels: Uint8Array, logits: Float64Array, positives: number): Fit | null {
  let fit: Fit = { intercept: Math.log(positives / (labels.length - positives)), slope: 0 };
  let loss = lossOf(labels, logits, fit);
  for (let step = 0; step < MAX_STEPS; step++) {
    const move = newtonMove(labels, logits, fit);
    if (move === null) return null;
    let next = moved(fit, move, 1);
    const size = Math.abs(move.intercept) + Math.abs(move.slope);
    if (size < TOLERANCE * (1 + Math.abs(fit.intercept) + Math.abs(fit.slope))) return next;
    let nextLoss = lossOf(labels, logits, next);
    for (let part = 0.5; nextLoss > loss * (1 + ROUNDING) && part > TOLERANCE; part /= 2) {
      next = moved(fit, move, part);
      nextLoss = lossOf(labels, logits, next);
    }
    [fit, loss] = [next, nextLoss];
  }
  return null;
}

function moved({ intercept, slope }: Fit, move: Fit, part: number): Fit {
  return { intercept: intercept + part * move.intercept, slope: slope + part * move.slope };
}

/** Where Newton's method goes from a fit; null where the likelihood has no curvature left. */
function newtonMove(labels: Uint8Array, logits: Float64Array, { intercept, slope }: Fit): Fit | null {
  let [g0, g1, h00, h01, h11] = [0, 0, 0, 0, 0];
  for (let i = 0; i < logits.length; i++) {
    const x = logits[i]!;
    const p = 1 / (1 + Math.exp(-(intercept + slope * x)));
    const weight = p * (1 - p);
    g0 += labels[i]! - p;
    g1 += (labels[i]! - p) * x;
    h00 += weight;
    h01 += weight * x;
    h11 += weight * x * x;
  }
  const determinant = h00 * h11 - h01 * h01;
  if (!(determinant > 1e-9 * h00 * h11)) return null;
  return { intercept: (h11 * g0 - h01 * g1) / determinant, slope: (h00 * g1 - h01 * g0) / determinant };
}

/** Negative log-likelihood: the sum of ln(1 + e^-z) for positives, ln(1 + e^z) for negatives. */
function lossOf(labels: Uint8Array, logits: Float64Array, { intercept, slope }: Fit): number {
  let loss = 0;
  for (let i = 0; i < logits.length; i++) {
    const z = intercept + slope * logits[i]!;
    const wrong = labels[i] === 1 ? -z : z;
    loss += Math.max(0, wrong) + Math.log1p(Math.exp(-Math.abs(wrong)));
  }
  return loss;
}

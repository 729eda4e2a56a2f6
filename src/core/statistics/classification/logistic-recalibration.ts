/** Scores are kept this far from 0 and 1 before their logit is taken. */
const EPSILON = 1e-12;
const MAX_STEPS = 50;

/**
 * Calibration intercept and slope: the maximum-likelihood fit of label ~ intercept + slope·logit(score). Ideal: 0
 * and 1; slope < 1 = scores too extreme. null if one class is absent, all scores are equal, or the labels are
 * separated by the scores (no finite maximum). Source: Cox (1958); Newton's method.
 */
export function logisticRecalibration(
  labels: Uint8Array,
  scores: Float64Array,
): { readonly intercept: number; readonly slope: number } | null {
  const logits = scores.map((score) => {
    const p = Math.min(1 - EPSILON, Math.max(EPSILON, score));
    return Math.log(p / (1 - p));
  });
  let intercept = 0;
  let slope = 1;
  for (let step = 0; step < MAX_STEPS; step++) {
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
    const moves = [(h11 * g0 - h01 * g1) / determinant, (h00 * g1 - h01 * g0) / determinant] as const;
    intercept += moves[0];
    slope += moves[1];
    if (Math.abs(moves[0]) + Math.abs(moves[1]) < 1e-10) return { intercept, slope };
  }
  return null;
}

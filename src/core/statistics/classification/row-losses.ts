/** Scores are kept this far from 0 and 1 before the logarithm, as scikit-learn does for float64. */
const EPSILON = Number.EPSILON;

/** Logarithmic loss of one probability, in nats: -ln p for a positive, -ln(1 - p) for a negative. */
export function logLossOf(label: number, score: number): number {
  const p = Math.min(1 - EPSILON, Math.max(EPSILON, score));
  return label === 1 ? -Math.log(p) : -Math.log1p(-p);
}

/** Squared error of one probability, 0..1. */
export function brierOf(label: number, score: number): number {
  return (score - label) ** 2;
}

/** A loss of each row; the mean of them is the metric. */
export function rowLosses(
  labels: Uint8Array,
  scores: Float64Array,
  loss: (label: number, score: number) => number,
): Float64Array {
  return Float64Array.from(scores, (score, i) => loss(labels[i]!, score));
}

/** Row by row, first minus second. */
export function rowDifferences(first: Float64Array, second: Float64Array): Float64Array {
  return Float64Array.from(first, (value, i) => value - second[i]!);
}

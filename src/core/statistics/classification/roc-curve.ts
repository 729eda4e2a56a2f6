import { orderOf } from './order-of.ts';

/** A point of the ROC curve. */
interface RocPoint {
  readonly falsePositiveRate: number;
  readonly truePositiveRate: number;
  /** Scores at or above it are decided positive; null at (0, 0), where nothing is. */
  readonly threshold: number | null;
}

/**
 * The ROC curve from (0, 0) to (1, 1), one point per distinct score, thinned to at most `maxPoints` that are
 * evenly spread along the curve. null if one class is absent. Source: scikit-learn `roc_curve`.
 */
export function rocCurve(
  labels: Uint8Array,
  scores: Float64Array,
  maxPoints = 100,
): readonly RocPoint[] | null {
  const order = orderOf(scores).reverse();
  let positives = 0;
  for (const label of labels) positives += label === 1 ? 1 : 0;
  const negatives = labels.length - positives;
  if (positives === 0 || negatives === 0) return null;
  const points: RocPoint[] = [{ falsePositiveRate: 0, truePositiveRate: 0, threshold: null }];
  let truePositives = 0;
  for (let i = 0; i < order.length; i++) {
    const score = scores[order[i]!]!;
    truePositives += labels[order[i]!] === 1 ? 1 : 0;
    if (i + 1 < order.length && scores[order[i + 1]!] === score) continue;
    points.push({
      falsePositiveRate: (i + 1 - truePositives) / negatives,
      truePositiveRate: truePositives / positives,
      threshold: score,
    });
  }
  return thinned(points, maxPoints);
}

function thinned(points: readonly RocPoint[], maxPoints: number): readonly RocPoint[] {
  if (points.length <= maxPoints) return points;
  const progress = (point: RocPoint): number => point.falsePositiveRate + point.truePositiveRate;
  const kept: RocPoint[] = [];
  for (const point of points.slice(0, -1)) {
    if (kept.length === 0 || progress(point) >= (2 * kept.length) / (maxPoints - 1)) kept.push(point);
  }
  return [...kept, points.at(-1)!];
}

import { type Estimate, undefinedEstimate } from './estimate.ts';
import { momentsOf, varianceOf } from './moments.ts';
import { normalQuantile } from './special/normal-quantile.ts';

/**
 * A mean with its normal interval (mean ± z·s/√n), for per-row losses and per-row differences of losses. With
 * one value the interval is undefined (null), with none the mean too. Values must be finite.
 */
export function meanEstimate(values: ArrayLike<number>, confidence = 0.95): Estimate {
  const moments = momentsOf(values);
  const variance = varianceOf(moments);
  if (moments.n === 0) return undefinedEstimate(0);
  if (variance === null) return { value: moments.mean, low: null, high: null, n: moments.n };
  const half = normalQuantile(0.5 + confidence / 2) * Math.sqrt(variance / moments.n);
  return { value: moments.mean, low: moments.mean - half, high: moments.mean + half, n: moments.n };
}

import { type Estimate, undefinedEstimate } from './estimate.ts';
import { regularisedBeta } from './special/regularised-beta.ts';

/**
 * A quantile (the smallest value with at least that share at or below it) of ascending values, with the interval
 * between order statistics that holds for any law. An end that the sample is too small for is null (99 % needs
 * 368 values for an upper end). No values: undefined. Source: Conover (1999), section 3.2.
 */
export function quantileEstimate(sorted: Float64Array, probability: number, confidence = 0.95): Estimate {
  const n = sorted.length;
  if (n === 0) return undefinedEstimate(0);
  const tail = (1 - confidence) / 2;
  // P(at most k of n values are below the quantile)
  const atMost = (k: number): number => (k >= n ? 1 : regularisedBeta(n - k, k + 1, 1 - probability));
  const firstRank = (target: number): number => {
    let low = 0;
    let high = n;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (atMost(middle) > target) high = middle;
      else low = middle + 1;
    }
    return low;
  };
  const lowRank = firstRank(tail);
  const highRank = firstRank(1 - tail) + 1;
  return {
    value: sorted[Math.max(0, Math.ceil(probability * n) - 1)]!,
    low: lowRank < 1 ? null : sorted[lowRank - 1]!,
    high: highRank > n ? null : sorted[highRank - 1]!,
    n,
  };
}

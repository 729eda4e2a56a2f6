import type { Rng } from '../rng.ts';
import { binomialSample } from './binomial-sample.ts';

/** How an interval is drawn: its coverage (0.95) and the number of resamples (1,000) unless given. */
export interface BootstrapOptions {
  readonly rng: Rng;
  readonly confidence?: number;
  readonly resamples?: number;
}

/**
 * Percentiles [low, high] of a statistic of cell counts under the bootstrap of the rows: drawing n rows with
 * replacement is drawing the counts from a multinomial, so the cost does not grow with the rows.
 *
 * Resamples in which the statistic is undefined are left out; null if more than half are. The same seed gives
 * the same interval. Source: Efron, Tibshirani (1993), chapter 13.
 */
export function bootstrapCounts(
  counts: readonly number[],
  statistic: (counts: readonly number[]) => number | null,
  { rng, confidence = 0.95, resamples = 1000 }: BootstrapOptions,
): readonly [number, number] | null {
  const values: number[] = [];
  for (let r = 0; r < resamples; r++) {
    const value = statistic(resampledCounts(counts, rng));
    if (value !== null) values.push(value);
  }
  if (values.length * 2 < resamples) return null;
  const sorted = Float64Array.from(values).sort();
  return [percentile(sorted, 0.5 - confidence / 2), percentile(sorted, 0.5 + confidence / 2)];
}

function resampledCounts(counts: readonly number[], rng: Rng): readonly number[] {
  let rows = counts.reduce((sum, count) => sum + count, 0);
  let draws = rows;
  return counts.map((count) => {
    const drawn = rows === 0 ? 0 : binomialSample(draws, count / rows, rng);
    rows -= count;
    draws -= drawn;
    return drawn;
  });
}

/** Linear interpolation between order statistics, as numpy does. */
function percentile(sorted: Float64Array, probability: number): number {
  const position = (sorted.length - 1) * probability;
  const low = Math.floor(position);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low]! + (position - low) * (sorted[high]! - sorted[low]!);
}

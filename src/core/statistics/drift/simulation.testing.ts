import type { Rng } from '../../rng.ts';
import { type CategoryCounts, categoryCounts } from './category-counts.ts';

/** A law to draw columns from, as in the grid on which the drift rule was tuned. */
type NumericLaw = (rng: Rng) => number;

/** Laws of numbers that drift is simulated with. */
export const numericLaws: Readonly<Record<string, NumericLaw>> = {
  normal: (rng) => rng.normal(),
  uniform: (rng) => rng.next(),
  lognormal: (rng) => Math.exp(rng.normal()),
  pareto: (rng) => (1 - rng.next()) ** (-1 / 1.5),
  ninetyPercentZeros: (rng) => (rng.next() < 0.9 ? 0 : rng.normal()),
};

/** Laws of categories that drift is simulated with. */
export const categoryLaws: Readonly<Record<string, readonly number[]>> = {
  binary: [0.7, 0.3],
  five: [0.4, 0.25, 0.2, 0.1, 0.05],
  fiftyZipf: zipf(50),
  thousandZipf: zipf(1000),
};

/** Probabilities of `size` categories proportional to 1/rank. */
export function zipf(size: number): readonly number[] {
  const weights = Array.from({ length: size }, (_, k) => 1 / (k + 1));
  const total = weights.reduce((sum, w) => sum + w, 0);
  return weights.map((w) => w / total);
}

/** A sample of a numeric law, in the order of drawing. */
export function drawNumeric(law: NumericLaw, n: number, rng: Rng): Float64Array {
  return Float64Array.from({ length: n }, () => law(rng));
}

/** Counts of a sample of a law of categories. */
export function drawCategories(probabilities: readonly number[], n: number, rng: Rng): CategoryCounts {
  const cumulative: number[] = [];
  for (const p of probabilities) cumulative.push((cumulative.at(-1) ?? 0) + p);
  return categoryCounts(
    Array.from({ length: n }, () => {
      const u = rng.next();
      let low = 0;
      let high = cumulative.length - 1;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (cumulative[middle]! < u) low = middle + 1;
        else high = middle;
      }
      return `c${low}`;
    }),
  );
}

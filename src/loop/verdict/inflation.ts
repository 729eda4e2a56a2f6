import { type Moments, momentsOf } from '../../core/statistics/Moments.ts';

/** Into how many stretches of time the pairs are cut: many short ones show short moods, few long ones long moods. */
export const stretchCounts = [30, 12, 6] as const;

/** Fewer pairs than this do not show how much neighbours resemble each other: nothing is said of them. */
export const fewestPairs = 300;

/**
 * By how much the variance of a mean is greater than its values' variance says, because neighbours in time resemble each
 * other: the variance of means over stretches of time times their length, beside the variance of single values; the
 * greatest over several lengths of stretches, and 1 at least. A ratio that is clearly above 1 is itself uncertain and
 * taken as one standard error greater. Source: method of batch means (Conway 1963).
 *
 * @param means of each stretch, for each way of cutting; a stretch without a value is left out
 */
export function inflationOf(moments: Moments, means: readonly (readonly number[])[]): number {
  const { n, m2 } = moments;
  if (n < 2 || m2 === 0) return 1;
  const ratios = means.map((stretch) => {
    const spread = momentsOf(stretch);
    if (spread.n < 2) return 1;
    const ratio = ((spread.m2 / (spread.n - 1)) * (n / spread.n)) / (m2 / (n - 1));
    const error = Math.sqrt(2 / (spread.n - 1));
    return ratio > 1 + 2 * error ? ratio * (1 + error) : ratio;
  });
  return Math.max(1, ...ratios);
}

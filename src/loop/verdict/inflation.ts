import { emptyMoments, type Moments, mergeMoments } from '../../core/statistics/moments.ts';

/** Into how many stretches of time the pairs are cut: many short ones show short moods, few long ones long moods. */
const stretchCounts = [30, 12, 6] as const;

/** So many blocks of equally many pairs can be put together to each number of stretches. */
export const blockCount = 60;

/**
 * By how much the variance of a mean is greater than its values' variance says, because neighbours in time resemble each
 * other: the mean square between stretches of time beside the variance of single values; the greatest over several
 * lengths of stretches, and 1 at least. Six stretches hardly show how great the ratio is, and ones hardly longer than a
 * mood show it too small: one that is clearly above 1 is taken at its upper confidence limit of 80 % (1.3, 1.6 and 2.1
 * times as great), by which moods of three hours end a first day wrongly within the stated rate.
 *
 * Sources: method of batch means (Conway 1963); interval of a variance, with the chi-square quantile of Wilson and
 * Hilferty (1931).
 *
 * @param blocks the values of short stretches, in the order of time: `blockCount` equal ones, or hours
 */
export function inflationOf(blocks: readonly Moments[]): number {
  const { n, mean, m2 } = blocks.reduce(mergeMoments, emptyMoments);
  if (n < 2 || m2 === 0) return 1;
  const ratios = stretchCounts.map((count) => {
    const stretches = stretchesOf(blocks, n, count);
    const freedom = stretches.length - 1;
    if (freedom < 1) return 1;
    const between = stretches.reduce((sum, s) => sum + s.n * (s.mean - mean) ** 2, 0) / freedom;
    const ratio = between / (m2 / (n - 1));
    return ratio > 1 + 2 * Math.sqrt(2 / freedom) ? ratio / lowChiSquare(freedom) : ratio;
  });
  return Math.max(1, ...ratios);
}

/** The 20 % quantile of chi-square over its degrees of freedom. */
function lowChiSquare(freedom: number): number {
  const spread = 2 / (9 * freedom);
  return (1 - spread - 0.8416 * Math.sqrt(spread)) ** 3;
}

/** Neighbouring blocks put together to stretches with about as many values each; one without a value is left out. */
function stretchesOf(blocks: readonly Moments[], n: number, count: number): readonly Moments[] {
  const stretches = Array.from({ length: count }, () => emptyMoments);
  let before = 0;
  for (const block of blocks) {
    const at = Math.min(count - 1, Math.floor((count * (before + block.n / 2)) / n));
    stretches[at] = mergeMoments(stretches[at] ?? emptyMoments, block);
    before += block.n;
  }
  return stretches.filter((s) => s.n > 0);
}

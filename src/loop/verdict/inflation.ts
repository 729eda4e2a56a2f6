import { emptyMoments, type Moments, mergeMoments } from '../../core/statistics/Moments.ts';

/** Into how many stretches of time the pairs are cut: many short ones show short moods, few long ones long moods. */
const stretchCounts = [30, 12, 6] as const;

/** So many blocks of equally many pairs can be put together to each number of stretches. */
export const blockCount = 60;

/** Fewer pairs than this do not show how much neighbours resemble each other: nothing is said of them. */
export const fewestPairs = 300;

/**
 * By how much the variance of a mean is greater than its values' variance says, because neighbours in time resemble each
 * other: the mean square between stretches of time beside the variance of single values; the greatest over several
 * lengths of stretches, and 1 at least. A ratio that is clearly above 1 is itself uncertain and taken as one standard
 * error greater. Source: method of batch means (Conway 1963).
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
    const error = Math.sqrt(2 / freedom);
    return ratio > 1 + 2 * error ? ratio * (1 + error) : ratio;
  });
  return Math.max(1, ...ratios);
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

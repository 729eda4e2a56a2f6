import type { Moments } from '../../core/statistics/moments.ts';
import { differenceConfidenceSequence } from '../../core/statistics/sequential/difference-confidence-sequence.ts';
import type { ComparedArm } from './compare-arms.ts';
import type { ArmStratum } from './observation.ts';

/** Error probability of what is said of an arm, over all looks. */
const alpha = 0.001;
/** What may be apart without a word. */
const leastGap = 0.01;
/** Requests by which a gap is to be seen soonest. */
const targetN = 1000;

/**
 * Arms whose answers get labels more often, or less, than the champion's, as a clause behind a verdict by outcomes; empty
 * where that may be chance. Both arms get labels alike, late or missing, unless people react to the answer: then those
 * that come are others in one arm than in the other, and no comparison of them is right.
 *
 * By a confidence sequence of the difference of the shares under each route version both answered by. Where entities come
 * back their requests count as one.
 */
export function labelGapText(
  strata: readonly ArmStratum[],
  champion: ComparedArm,
  arms: readonly ComparedArm[],
): string {
  const gaps = arms.flatMap((arm) => {
    const of = (who: ComparedArm) => strata.filter((s) => s.arm === who.arm && s.version === who.version);
    const [own, theirs] = [of(arm), of(champion)];
    const pairs = own.flatMap((s) => {
      const other = theirs.find((o) => o.routeVersion === s.routeVersion);
      return other ? [{ challenger: labelledShare(s), champion: labelledShare(other) }] : [];
    });
    const requests = (rows: readonly ArmStratum[]) => rows.reduce((sum, s) => sum + s.requests, 0);
    const units = (rows: readonly ArmStratum[]) => rows.reduce((sum, s) => sum + s.units, 0);
    const repeats = Math.max(1, ...[own, theirs].map((rows) => requests(rows) / Math.max(1, units(rows))));
    const gap = differenceConfidenceSequence(pairs, { alpha: alpha / arms.length, targetN }, repeats);
    if (gap === null || gap.low === null || gap.high === null) return [];
    if (gap.low <= leastGap && gap.high >= -leastGap) return [];
    return [
      `labels are known of ${percent(own)} of version ${arm.version}'s answers and ${percent(theirs)} of the champion's`,
    ];
  });
  if (gaps.length === 0) return '';
  return `; ${gaps.join(', ')}, which is not chance: if they come by what was answered, no comparison by them is right`;
}

/** Whether a label is known, of the requests of a stratum that were answered. */
function labelledShare({ requests, failed, labelled }: ArmStratum): Moments {
  const n = requests - failed;
  const mean = n === 0 ? 0 : Math.min(1, labelled / n);
  return { n, mean, m2: n * mean * (1 - mean) };
}

function percent(rows: readonly ArmStratum[]): string {
  const n = rows.reduce((sum, s) => sum + s.requests - s.failed, 0);
  const labelled = rows.reduce((sum, s) => sum + s.labelled, 0);
  return `${((100 * Math.min(n, labelled)) / Math.max(1, n)).toFixed(1)} %`;
}

import { emptyMoments, type Moments, mergeMoments } from '../../core/statistics/moments.ts';
import { inflationOf } from './inflation.ts';
import { overWholeDays, type PairedHour } from './whole-days.ts';

/** Differences of pairs with what their variance is to be multiplied by. */
export interface InflatedMoments {
  readonly moments: Moments;
  readonly inflation: number;
}

/**
 * What pairs say of the mean difference: over whole days as soon as enough of them were seen, until then over the
 * pairs as they came, where a difference that follows the hour is a mood like any other.
 *
 * @param blocks differences in `blockCount` stretches of equally many pairs, in the order of time
 * @param hours the same pairs hour by hour
 */
export function pairedMoments(blocks: readonly Moments[], hours: readonly PairedHour[]): InflatedMoments {
  const parts = overWholeDays(hours) ?? blocks;
  return { moments: parts.reduce(mergeMoments, emptyMoments), inflation: inflationOf(parts) };
}

import type { Estimate } from '../../core/statistics/estimate.ts';
import { emptyMoments, type Moments, mergeMoments } from '../../core/statistics/moments.ts';
import {
  differenceConfidenceSequence,
  type Stratum,
} from '../../core/statistics/sequential/difference-confidence-sequence.ts';
import { meanConfidenceSequence } from '../../core/statistics/sequential/mean-confidence-sequence.ts';
import {
  SEQUENCE_MINIMUM_N,
  type SequenceOptions,
} from '../../core/statistics/sequential/sequence-options.ts';
import { type ArmComparison, type RolloutMetric, risingMetrics } from '../contract.ts';
import type { ArmMoments, ArmRepeats, PairedMoments, SegmentObservation } from './observation.ts';

/** Fewer pairs than this do not show how much neighbours resemble each other: nothing is said of them. */
const fewestPairs = 300;

/** An arm of a rollout and the version in it. */
export interface ComparedArm {
  readonly arm: string;
  readonly version: string;
}

/** What was seen of all requests, or of those with one value of a feature. */
export type Evidence = Pick<SegmentObservation, 'strata' | 'repeats' | 'pairs'>;

/** What an arm is compared by, and with what chance of a wrong statement. */
export interface Compare {
  readonly metric: RolloutMetric;
  readonly alpha: number;
  readonly margin: number;
  readonly targetN: number;
  readonly segment: ArmComparison['segment'];
  /** Whether below 0 is worse already (the primary metric, but for a first week: `isAnyHarm`), or only below −margin. */
  readonly strict: boolean;
  /** Whether the same requests are compared. Fixed by the plan, not by what the data look like. */
  readonly paired: boolean;
}

/**
 * Compares an arm with the champion on one metric, as an anytime-valid confidence sequence of the improvement: its
 * statement is wrong, at any look whatever, with probability at most `alpha`.
 *
 * Pairs: the same requests scored by both, so what makes an hour hard for both cancels out. Left is what the difference
 * itself does over time: what it adds by the hour of the day is known once whole days were seen (`overWholeDays`); all
 * else is a mood, and the variance that of means over stretches of time (`inflationOf`). Until then the hours seen are
 * all that is spoken of: a version that harms all morning is given up in the morning.
 *
 * Arms: their own requests. Which arm answers is drawn request by request, so the sum of (arm − share)·outcome is a
 * martingale however outcomes resemble their neighbours: seasons that both arms share need no allowance. Arms are
 * compared within each constant split only, so that a level which moves while the split is widened does not pass for a
 * difference. An entity keeps its arm, so it counts once in each split, and what it says again in others makes nothing
 * more certain (`observeRepeats`). It is the mean difference over the requests seen, and is wider than pairs of as many
 * requests.
 */
export function compareArms(
  champion: ComparedArm,
  challenger: ComparedArm,
  { strata, repeats, pairs }: Evidence,
  { metric, alpha, margin, targetN, segment, strict, paired }: Compare,
): ArmComparison {
  const sign = risingMetrics.includes(metric) ? 1 : -1;
  const own = momentsOf(strata, challenger, metric);
  const other = momentsOf(strata, champion, metric);
  const pair = pairs.find((p) => p.version === challenger.version);
  const differences = pair?.metrics[metric] ?? emptyMoments;
  const options = { alpha, targetN: Math.max(100, targetN) };
  const estimate = paired
    ? pairedSequence(withRare(differences, metric), pair?.inflation[metric] ?? 1, options)
    : differenceConfidenceSequence(
        splitStrata(strata, champion, challenger, metric),
        options,
        repeatsOf(repeats, challenger, metric),
      );
  const n = paired ? differences.n : own.n;
  const raw = paired ? (differences.n === 0 ? null : differences.mean) : rawDifference(own, other);
  const difference = estimate?.value ?? raw;
  const [low, high] = signed(estimate, sign);
  return {
    arm: challenger.arm,
    metric,
    segment,
    compared: paired ? 'pairs' : 'arms',
    n,
    champion: other.n === 0 ? null : other.mean,
    challenger: own.n === 0 ? (paired && other.n > 0 && raw !== null ? other.mean + raw : null) : own.mean,
    difference: difference === null ? null : sign * difference,
    low,
    high,
    alpha,
    margin,
    verdict: verdictOf(low, high, margin, strict),
  };
}

/**
 * Whether an arm would be known to be worse on the same requests, if neighbours in time did not resemble each other.
 * That is no verdict, but reason enough not to give it more traffic before there is one.
 */
export function looksWorse(
  challenger: ComparedArm,
  pairs: readonly PairedMoments[],
  { metric, alpha, targetN }: Pick<Compare, 'metric' | 'alpha' | 'targetN'>,
): boolean {
  const rising = risingMetrics.includes(metric);
  const found = pairs.find((p) => p.version === challenger.version)?.metrics[metric] ?? emptyMoments;
  const options = { alpha, targetN: Math.max(SEQUENCE_MINIMUM_N, targetN) };
  const [low, high] = signed(meanConfidenceSequence(withRare(found, metric), options), rising ? 1 : -1);
  return low !== null && high !== null && high < 0;
}

function verdictOf(
  low: number | null,
  high: number | null,
  margin: number,
  strict: boolean,
): ArmComparison['verdict'] {
  if (high !== null && high < (strict ? 0 : -margin)) return 'worse';
  if (low !== null && low > 0) return 'better';
  return low !== null && low >= -margin ? 'notWorse' : 'undecided';
}

function signed(estimate: Estimate | null, sign: 1 | -1): readonly [number | null, number | null] {
  if (!estimate || estimate.low === null || estimate.high === null) return [null, null];
  return sign === 1 ? [estimate.low, estimate.high] : [-estimate.high, -estimate.low];
}

function rawDifference(own: Moments, other: Moments): number | null {
  return own.n === 0 || other.n === 0 ? null : own.mean - other.mean;
}

/**
 * The sequence of the mean difference with a variance that allows for neighbours that resemble each other; null before
 * the pairs are worth 100 independent ones.
 */
function pairedSequence(moments: Moments, inflation: number, options: SequenceOptions): Estimate | null {
  if (moments.n < Math.max(fewestPairs, SEQUENCE_MINIMUM_N * inflation)) return null;
  return meanConfidenceSequence({ ...moments, m2: moments.m2 * Math.max(1, inflation) }, options);
}

/**
 * Two imagined pairs, one better and one worse by 1, where differences are rare (decisions that changed) or were never
 * seen: without them a few hundred pairs say that there is no variance at all.
 */
function withRare(moments: Moments, metric: RolloutMetric): Moments {
  if (moments.n === 0 || (metric !== 'accuracy' && moments.m2 > 0)) return moments;
  return mergeMoments(moments, { n: 2, mean: 0, m2: 2 });
}

function splitStrata(
  strata: readonly ArmMoments[],
  champion: ComparedArm,
  challenger: ComparedArm,
  metric: RolloutMetric,
): readonly Stratum[] {
  const routes = [...new Set(strata.map((s) => s.routeVersion))];
  return routes.map((route) => {
    const here = strata.filter((s) => s.routeVersion === route);
    return {
      challenger: momentsOf(here, challenger, metric),
      champion: momentsOf(here, champion, metric),
    };
  });
}

/** By how much what is known of an arm's difference to the champion is less certain than independent rows are. */
export function repeatsOf(
  repeats: readonly ArmRepeats[],
  { arm, version }: ComparedArm,
  metric: RolloutMetric,
): number {
  return repeats.find((r) => r.arm === arm && r.version === version)?.inflation[metric] ?? 1;
}

/** Moments of a metric of an arm over the strata given. */
export function momentsOf(
  strata: readonly ArmMoments[],
  { arm, version }: ComparedArm,
  metric: RolloutMetric,
): Moments {
  return strata
    .filter((s) => s.arm === arm && s.version === version)
    .reduce((sum, s) => mergeMoments(sum, s.metrics[metric] ?? emptyMoments), emptyMoments);
}

import { type Moments, mergeMoments } from '../../core/statistics/Moments.ts';
import { meanConfidenceSequence } from '../../core/statistics/sequential/meanConfidenceSequence.ts';
import type { ArmOutcomes } from '../../lifecycle/feedback/index.ts';
import type { LoopFile, OutcomeComparison } from '../contract.ts';

type Verdict = LoopFile['deploy']['verdict'];

const empty: Moments = { n: 0, mean: 0, m2: 0 };

/**
 * Compares challenger and champion by the log loss of joined outcomes, on requests that both scored: the champion
 * answered and the challenger was handed a copy. Differences are taken row by row, so what makes a day hard for
 * both cancels out, and 1 % of canary traffic does not limit what is known about the challenger.
 *
 * Known to be worse is worse, by however little: the margin only says how much doubt a challenger may be promoted with.
 * The interval is an anytime-valid confidence sequence: it may be looked at after each label. `worse` is claimed
 * of a challenger that is not with probability at most `alpha` over all looks together. `undecided` before 100
 * labelled pairs.
 *
 * @param targetPairs number of pairs at which the interval is to be tightest
 */
export function compareOutcomes(
  outcomes: ArmOutcomes,
  championVersion: string,
  challengerVersion: string,
  { alpha, margin }: Verdict,
  targetPairs: number,
): OutcomeComparison {
  const pair = outcomes.paired.find(
    (p) => p.shadowVersion === challengerVersion && p.championVersion === championVersion,
  );
  const moments = pair?.logLossDifference ?? empty;
  const sequence = meanConfidenceSequence(moments, { alpha, targetN: Math.max(100, targetPairs) });
  const [low, high] = [sequence?.low ?? null, sequence?.high ?? null];
  const verdict =
    low !== null && low > 0 ? 'worse' : high !== null && high <= margin ? 'notWorse' : 'undecided';
  return {
    metric: 'logLoss',
    pairs: moments.n,
    champion: meanLogLoss(outcomes, championVersion),
    challenger: meanLogLoss(outcomes, challengerVersion),
    difference: moments.n === 0 ? null : moments.mean,
    low,
    high,
    alpha,
    margin,
    verdict,
  };
}

/** Mean log loss of a model over all its labelled rows, whichever arm they were scored in. */
function meanLogLoss(outcomes: ArmOutcomes, modelVersion: string): number | null {
  const moments = outcomes.arms
    .filter((arm) => arm.modelVersion === modelVersion)
    .flatMap((arm) => arm.strata)
    .reduce((sum, stratum) => mergeMoments(sum, stratum.logLoss), empty);
  return moments.n === 0 ? null : moments.mean;
}

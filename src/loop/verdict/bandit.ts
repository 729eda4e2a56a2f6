import { createRng } from '../../core/rng.ts';
import {
  type BanditArm,
  boundedShares,
  epsilonGreedyShares,
  thompsonShares,
} from '../../core/statistics/bandit/bandit-shares.ts';
import { emptyMoments } from '../../core/statistics/moments.ts';
import { offPolicyOfStrata } from '../../core/statistics/offpolicy/off-policy-of-strata.ts';
import type { BanditSpec, BanditState } from '../contract.ts';
import { type ComparedArm, momentsOf, repeatsOf } from './compare-arms.ts';
import type { Observation } from './observation.ts';

/**
 * What the bandit has learnt and what shares it wants. The log is its memory: all is counted anew at each look, but for
 * `changedAt`, when the shares last moved (null: never), which the look before knows.
 */
export function banditState(
  spec: BanditSpec,
  arms: readonly ComparedArm[],
  shares: Readonly<Record<string, number>>,
  seen: Observation,
  changedAt: string | null,
): BanditState {
  // While one arm had everything, the others could not show what they would have made of that time.
  const together = seen.strata.filter((s) =>
    seen.strata.some((other) => other.routeVersion === s.routeVersion && other.arm !== s.arm),
  );
  const known = arms.map(
    (arm): BanditArm => ({ arm: arm.arm, reward: momentsOf(together, arm, spec.metric) }),
  );
  // Who comes back under further routes says nothing new: beliefs are as certain as independent rewards make them.
  const inflation = Math.max(1, ...arms.map((arm) => repeatsOf(seen.repeats, arm, spec.metric)));
  const independent = known.map(
    ({ arm, reward: { n, mean, m2 } }): BanditArm => ({
      arm,
      reward: { n: n / inflation, mean, m2: m2 / inflation },
    }),
  );
  // Drawn alike while the log says the same: shares that no new reward moves do not wander about.
  const seed = known.reduce((sum, { reward }) => Math.imul(sum, 31) + reward.n, 1);
  const wanted =
    spec.algorithm === 'thompson'
      ? thompsonShares(independent, spec.rewards, createRng(seed))
      : epsilonGreedyShares(known, spec.epsilon);
  const next = boundedShares(shares, wanted, spec.floor, spec.maxChange);
  const strata = together.flatMap(({ arm, propensity, metrics }) => {
    const reward = metrics[spec.metric] ?? emptyMoments;
    return reward.n === 0 ? [] : [{ action: arm, propensity, reward }];
  });
  const even = Object.fromEntries(arms.map((arm) => [arm.arm, 1 / arms.length]));
  const policies = [
    ...arms.map((arm) => ({ policy: `only ${arm.arm}`, target: { [arm.arm]: 1 } })),
    { policy: 'even split', target: even },
  ];
  return {
    arms: known.map(({ arm, reward }) => ({
      arm,
      rewards: reward.n,
      mean: reward.n === 0 ? null : reward.mean,
      wanted: wanted[arm] ?? 0,
      share: next[arm] ?? 0,
    })),
    policies: policies.map(({ policy, target }) => ({
      policy,
      ...offPolicyOfStrata(strata, target, inflation),
    })),
    changedAt,
  };
}

/** Traffic is given out in ten-thousandths: a smaller change is none. */
const leastMove = 1e-4;

/** Whether the bandit wants other shares than these, by arm. */
export function wantsOtherShares({ arms }: BanditState, shares: Readonly<Record<string, number>>): boolean {
  return arms.some(({ arm, share }) => Math.abs(share - (shares[arm] ?? 0)) >= leastMove);
}

import { normalQuantile } from '../special/normal-quantile.ts';
import type { ActionStratum, OffPolicyEstimate } from './off-policy.ts';

/** The estimates of one policy from the moments of a log. */
export interface OffPolicyEstimates {
  readonly ips: OffPolicyEstimate;
  readonly snips: OffPolicyEstimate;
  /** With the mean reward of each action as the model. */
  readonly doublyRobust: OffPolicyEstimate;
}

/**
 * inversePropensity, selfNormalised and doublyRobust for a policy that takes each action with a fixed probability, out
 * of the moments of the rewards by action and propensity: exact for millions of decisions without reading them one by
 * one. The model of doublyRobust is the mean reward per action over the same decisions; with a handful of parameters
 * and hundreds of decisions what that overfits is far below the standard error.
 *
 * @param inflation by how much the variance of means is greater than that of independent decisions
 */
export function offPolicyOfStrata(
  strata: readonly ActionStratum[],
  target: Readonly<Record<string, number>>,
  inflation = 1,
  confidence = 0.95,
): OffPolicyEstimates {
  const used = strata.filter((s) => s.reward.n > 0 && s.propensity > 0);
  const weightOf = ({ action, propensity }: ActionStratum) => (target[action] ?? 0) / propensity;
  const n = used.reduce((sum, s) => sum + s.reward.n, 0);
  const weights = used.reduce((sum, s) => sum + s.reward.n * weightOf(s), 0);
  const squaredWeights = used.reduce((sum, s) => sum + s.reward.n * weightOf(s) ** 2, 0);
  const effectiveN = squaredWeights === 0 ? 0 : (weights * weights) / squaredWeights;
  const means = meansByAction(used);
  const baseline = Object.entries(target).reduce((sum, [action, p]) => sum + p * (means.get(action) ?? 0), 0);
  const estimate = (value: number | null, independentError: number | null): OffPolicyEstimate => {
    const standardError = independentError === null ? null : independentError * Math.sqrt(inflation);
    const half =
      value === null || standardError === null ? null : normalQuantile(0.5 + confidence / 2) * standardError;
    const [low, high] = half === null || value === null ? [null, null] : [value - half, value + half];
    return { value, standardError, low, high, n, effectiveN: effectiveN / inflation };
  };
  /** Mean of `constant + w·(reward − shift)` over all decisions, with its standard error. */
  const mean = (constant: number, shiftOf: (s: ActionStratum) => number): OffPolicyEstimate => {
    if (n === 0) return estimate(null, null);
    const scoreOf = (s: ActionStratum) => weightOf(s) * (s.reward.mean - shiftOf(s));
    const value = used.reduce((sum, s) => sum + s.reward.n * scoreOf(s), 0) / n;
    const m2 = used.reduce(
      (sum, s) => sum + weightOf(s) ** 2 * s.reward.m2 + s.reward.n * (scoreOf(s) - value) ** 2,
      0,
    );
    return estimate(constant + value, n < 2 ? null : Math.sqrt(m2 / (n - 1) / n));
  };
  const normalised = (): OffPolicyEstimate => {
    if (!(weights > 0)) return estimate(null, null);
    const value = used.reduce((sum, s) => sum + s.reward.n * weightOf(s) * s.reward.mean, 0) / weights;
    const squares = used.reduce(
      (sum, s) => sum + weightOf(s) ** 2 * (s.reward.m2 + s.reward.n * (s.reward.mean - value) ** 2),
      0,
    );
    return estimate(value, n < 2 ? null : (Math.sqrt(squares) / weights) * Math.sqrt(n / (n - 1)));
  };
  return {
    ips: mean(0, () => 0),
    snips: normalised(),
    doublyRobust: mean(baseline, (s) => means.get(s.action) ?? 0),
  };
}

function meansByAction(strata: readonly ActionStratum[]): ReadonlyMap<string, number> {
  const sums = new Map<string, { n: number; sum: number }>();
  for (const { action, reward } of strata) {
    const { n, sum } = sums.get(action) ?? { n: 0, sum: 0 };
    sums.set(action, { n: n + reward.n, sum: sum + reward.n * reward.mean });
  }
  return new Map([...sums].map(([action, { n, sum }]) => [action, sum / n]));
}

import { type Moments, mergeMoments } from '../moments.ts';
import { normalQuantile } from '../special/normal-quantile.ts';

/** What was seen of an action under one propensity: all that the estimates of a policy without context need. */
export interface ActionStratum {
  readonly action: string;
  /** Probability with which the logging policy took it, above 0. */
  readonly propensity: number;
  readonly reward: Moments;
}

/** Mean reward of a policy that was not the one in force. */
export interface OffPolicyEstimate {
  /** null without any decision, and for a policy that takes what nobody has seen rewarded. */
  readonly value: number | null;
  /** null where the value is, and for a single decision. */
  readonly standardError: number | null;
  /** Normal interval; null where the standard error is. */
  readonly low: number | null;
  readonly high: number | null;
  /** Decisions it rests on. */
  readonly n: number;
  /** (Σw)²/Σw²: how many decisions of its own the estimate is worth. */
  readonly effectiveN: number;
}

/** The estimates of one policy from the moments of a log. */
export interface OffPolicyEstimates {
  /**
   * Inverse propensity score: the mean of weight × reward. Unbiased when propensities are right; wide when the policies
   * differ much. Source: Horvitz, Thompson (1952).
   */
  readonly ips: OffPolicyEstimate;
  /**
   * Self-normalised: Σ weight × reward / Σ weight. A little biased, usually much narrower, and never outside the range
   * of the rewards. Standard error by the delta method. Source: Swaminathan, Joachims (2015).
   */
  readonly snips: OffPolicyEstimate;
  /**
   * Doubly robust, with the mean reward of each action as the model: the model's word for the policy, corrected by what
   * the log says of the model's errors. Source: Dudík, Langford, Li (2011).
   */
  readonly doublyRobust: OffPolicyEstimate;
}

/**
 * What a policy that takes each action with a fixed probability would have earned, by three estimators, out of the
 * moments of the rewards by action and propensity: exact for millions of decisions without reading them one by one. The
 * model of doublyRobust is learnt from the same decisions; with a handful of parameters and hundreds of decisions what
 * that overfits is far below the standard error.
 *
 * A log cannot speak for what was never done: if an action with a probability above 0 has no reward in the log, all
 * three are undefined, not 0.
 *
 * @param target probability of each action under the policy; those not named are never taken
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
  const effectiveN = squaredWeights === 0 ? 0 : (weights * weights) / squaredWeights / inflation;
  const means = meansByAction(used);
  const taken = Object.entries(target).filter(([, probability]) => probability > 0);
  const nothing = { value: null, standardError: null, low: null, high: null, n, effectiveN };
  if (!(weights > 0) || taken.some(([action]) => !means.has(action))) {
    return { ips: nothing, snips: nothing, doublyRobust: nothing };
  }
  const z = normalQuantile(0.5 + confidence / 2);
  const estimate = (value: number, independentError: number): OffPolicyEstimate => {
    if (n < 2) return { ...nothing, value };
    const standardError = independentError * Math.sqrt(inflation);
    const half = z * standardError;
    return { value, standardError, low: value - half, high: value + half, n, effectiveN };
  };
  /** Mean of `constant + w·(reward − shift)` over all decisions, with its standard error. */
  const mean = (constant: number, shiftOf: (s: ActionStratum) => number): OffPolicyEstimate => {
    const scoreOf = (s: ActionStratum) => weightOf(s) * (s.reward.mean - shiftOf(s));
    const value = used.reduce((sum, s) => sum + s.reward.n * scoreOf(s), 0) / n;
    const m2 = used.reduce(
      (sum, s) => sum + weightOf(s) ** 2 * s.reward.m2 + s.reward.n * (scoreOf(s) - value) ** 2,
      0,
    );
    return estimate(constant + value, Math.sqrt(m2 / (n - 1) / n));
  };
  const normalised = (): OffPolicyEstimate => {
    const value = used.reduce((sum, s) => sum + s.reward.n * weightOf(s) * s.reward.mean, 0) / weights;
    const squares = used.reduce(
      (sum, s) => sum + weightOf(s) ** 2 * (s.reward.m2 + s.reward.n * (s.reward.mean - value) ** 2),
      0,
    );
    return estimate(value, (Math.sqrt(squares) / weights) * Math.sqrt(n / (n - 1)));
  };
  const baseline = taken.reduce((sum, [action, p]) => sum + p * (means.get(action) ?? 0), 0);
  return {
    ips: mean(0, () => 0),
    snips: normalised(),
    doublyRobust: mean(baseline, (s) => means.get(s.action) ?? 0),
  };
}

function meansByAction(strata: readonly ActionStratum[]): ReadonlyMap<string, number> {
  const byAction = Map.groupBy(strata, ({ action }) => action);
  return new Map(
    [...byAction].map(([action, parts]) => [
      action,
      parts.map(({ reward }) => reward).reduce(mergeMoments).mean,
    ]),
  );
}

import { type Moments, mergeMoments } from '../moments.ts';
import { studentQuantile } from '../special/student-quantile.ts';

/** What was seen of an action under one propensity: all that the estimates of a policy without context need. */
export interface ActionStratum {
  readonly action: string;
  /** Probability with which the logging policy took it, above 0. */
  readonly propensity: number;
  readonly reward: Moments;
}

/** Decisions for each action that the policy takes, without which there is no interval. */
const leastDraws = 20;

/** Mean reward of a policy that was not the one in force. */
interface OffPolicyEstimate {
  /** null without any decision, and for a policy that takes what nobody has seen rewarded. */
  readonly value: number | null;
  /** null where the value is, where an action was taken too rarely, and where all rewards are alike. */
  readonly standardError: number | null;
  /** Student's interval; null where the standard error is. */
  readonly low: number | null;
  readonly high: number | null;
  /** Decisions it rests on. */
  readonly n: number;
  /** (Σw)²/Σw²: how many decisions of its own the estimate is worth. */
  readonly effectiveN: number;
}

/** The estimates of one policy from the moments of a log. */
interface OffPolicyEstimates {
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
 * three are undefined, not 0. What was done fewer than 20 times gives a value, but no interval: by a handful of rewards
 * none keeps its confidence.
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
  const draws = drawsByAction(used, inflation);
  const variances = variancesOf(used, draws);
  const hasEnough = taken.every(([action]) => (draws.get(action) ?? 0) >= leastDraws);
  /** @param squares what each stratum adds to the sum of squared influences, by its place */
  const estimate = (value: number, squares: readonly number[], scale: number): OffPolicyEstimate => {
    const total = squares.reduce((sum, square) => sum + square, 0);
    if (!hasEnough || variances === null || total === 0) return { ...nothing, value };
    const standardError = Math.sqrt(total * inflation) / scale;
    // Welch and Satterthwaite: what the rarest action says of its variance counts as little as it was seen.
    const parts = taken.map(([action]) => {
      const part = squares.reduce((sum, square, i) => (used[i]?.action === action ? sum + square : sum), 0);
      return part ** 2 / ((draws.get(action) ?? 0) - 1);
    });
    const freedom = total ** 2 / parts.reduce((sum, part) => sum + part, 0);
    const half = studentQuantile(0.5 + confidence / 2, freedom) * standardError;
    return { value, standardError, low: value - half, high: value + half, n, effectiveN };
  };
  const varianceOf = ({ action }: ActionStratum) => variances?.get(action) ?? 0;
  /** Mean of `constant + w·(reward − shift)` over all decisions. */
  const mean = (constant: number, shiftOf: (s: ActionStratum) => number): OffPolicyEstimate => {
    const scoreOf = (s: ActionStratum) => weightOf(s) * (s.reward.mean - shiftOf(s));
    const value = used.reduce((sum, s) => sum + s.reward.n * scoreOf(s), 0) / n;
    const squares = used.map(
      (s) => s.reward.n * (weightOf(s) ** 2 * varianceOf(s) + (scoreOf(s) - value) ** 2),
    );
    return estimate(constant + value, squares, Math.sqrt(n * (n - 1)));
  };
  const normalised = (): OffPolicyEstimate => {
    const value = used.reduce((sum, s) => sum + s.reward.n * weightOf(s) * s.reward.mean, 0) / weights;
    const squares = used.map(
      (s) => s.reward.n * weightOf(s) ** 2 * (varianceOf(s) + (s.reward.mean - value) ** 2),
    );
    return estimate(value, squares, weights * Math.sqrt((n - 1) / n));
  };
  const baseline = taken.reduce((sum, [action, p]) => sum + p * (means.get(action) ?? 0), 0);
  return {
    ips: mean(0, () => 0),
    snips: normalised(),
    doublyRobust: mean(baseline, (s) => means.get(s.action) ?? 0),
  };
}

/** How many independent decisions took each action. */
function drawsByAction(strata: readonly ActionStratum[], inflation: number): ReadonlyMap<string, number> {
  const draws = new Map<string, number>();
  for (const { action, reward } of strata) draws.set(action, (draws.get(action) ?? 0) + reward.n / inflation);
  return draws;
}

/**
 * Variance of the rewards of each action, and no less than that of all actions around their means: the few decisions of a
 * rare action often hold none of the rare rewards. null: nothing varies, so nothing is known of it.
 */
function variancesOf(
  strata: readonly ActionStratum[],
  draws: ReadonlyMap<string, number>,
): ReadonlyMap<string, number> | null {
  const byAction = Map.groupBy(strata, ({ action }) => action);
  const moments = [...byAction].map(
    ([action, parts]) => [action, parts.map(({ reward }) => reward).reduce(mergeMoments)] as const,
  );
  const m2 = moments.reduce((sum, [, reward]) => sum + reward.m2, 0);
  const n = moments.reduce((sum, [, reward]) => sum + reward.n, 0);
  if (m2 === 0 || n <= draws.size) return null;
  const common = m2 / (n - draws.size);
  return new Map(
    moments.map(([action, reward]) => [
      action,
      Math.max(common, reward.n > 1 ? reward.m2 / (reward.n - 1) : 0),
    ]),
  );
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

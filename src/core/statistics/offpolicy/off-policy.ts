import type { Moments } from '../moments.ts';
import { normalQuantile } from '../special/normal-quantile.ts';

/** One logged decision as an estimate of another policy sees it. */
export interface LoggedDecision {
  /** Probability with which the logging policy took what it took, above 0. */
  readonly propensity: number;
  /** Probability with which the policy in question takes it. */
  readonly target: number;
  readonly reward: number;
}

/** A decision with what a reward model says of it; the model must not have seen this reward (cross-fitting). */
export interface ModelledDecision extends LoggedDecision {
  /** Predicted reward of what was taken. */
  readonly predicted: number;
  /** Predicted reward of the policy in question: over all actions, their probability times their prediction. */
  readonly baseline: number;
}

/** Mean reward of a policy that was not the one in force. */
export interface OffPolicyEstimate {
  /** null without any decision, or (self-normalised) when the policy takes none of what was taken. */
  readonly value: number | null;
  readonly standardError: number | null;
  /** Normal interval. */
  readonly low: number | null;
  readonly high: number | null;
  readonly n: number;
  /** (Σw)²/Σw²: how many decisions of its own the estimate is worth. */
  readonly effectiveN: number;
}

/**
 * Inverse propensity score: the mean of weight × reward. Unbiased when propensities are right; wide when the policies
 * differ much. Source: Horvitz, Thompson (1952).
 */
export function inversePropensity(
  decisions: readonly LoggedDecision[],
  confidence = 0.95,
): OffPolicyEstimate {
  return ofScores(
    decisions,
    decisions.map((d) => weightOf(d) * d.reward),
    confidence,
  );
}

/**
 * Self-normalised: Σ weight × reward / Σ weight. A little biased, usually much narrower, and never outside the range of
 * the rewards. Standard error by the delta method. Source: Swaminathan, Joachims (2015).
 */
export function selfNormalised(decisions: readonly LoggedDecision[], confidence = 0.95): OffPolicyEstimate {
  const weights = decisions.map(weightOf);
  const total = weights.reduce((sum, w) => sum + w, 0);
  const { length: n } = decisions;
  if (!(total > 0)) return { ...nothing, n };
  const value = decisions.reduce((sum, d, i) => sum + (weights[i] ?? 0) * d.reward, 0) / total;
  const squares = decisions.reduce((sum, d, i) => sum + ((weights[i] ?? 0) * (d.reward - value)) ** 2, 0);
  const error = n < 2 ? null : (Math.sqrt(squares) / total) * Math.sqrt(n / (n - 1));
  return { ...interval(value, error, confidence), n, effectiveN: effective(weights) };
}

/**
 * Doubly robust: the model's word for the policy, corrected by what the log says of the model's errors. Right when
 * either the propensities or the model are; narrower than inversePropensity when the model is any good.
 * Source: Dudík, Langford, Li (2011).
 */
export function doublyRobust(decisions: readonly ModelledDecision[], confidence = 0.95): OffPolicyEstimate {
  return ofScores(
    decisions,
    decisions.map((d) => d.baseline + weightOf(d) * (d.reward - d.predicted)),
    confidence,
  );
}

/**
 * Gives each decision the predictions of a simple reward model, mean reward by action (and context, if there is one),
 * learnt from the other folds. An action that the other folds never saw is predicted by their overall mean.
 *
 * @param action what was taken, `context` what was known; `target` probabilities of each action for a context
 */
export function withMeanModel(
  decisions: readonly (LoggedDecision & { readonly action: string; readonly context: string })[],
  targetOf: (context: string) => Readonly<Record<string, number>>,
  folds = 5,
): readonly ModelledDecision[] {
  const sums = new Map<string, { n: number; sum: number }>();
  const keysOf = (fold: number, action: string, context: string) => [
    `${fold}`,
    `${fold}/${action}`,
    `${fold}/${action}/${context}`,
  ];
  decisions.forEach(({ action, context, reward }, i) => {
    for (let fold = 0; fold < folds; fold++) {
      if (i % folds === fold) continue;
      for (const key of keysOf(fold, action, context)) {
        const entry = sums.get(key) ?? { n: 0, sum: 0 };
        sums.set(key, { n: entry.n + 1, sum: entry.sum + reward });
      }
    }
  });
  const predict = (fold: number, action: string, context: string): number => {
    for (const key of keysOf(fold, action, context).reverse()) {
      const entry = sums.get(key);
      if (entry && entry.n > 0) return entry.sum / entry.n;
    }
    return 0;
  };
  return decisions.map(({ propensity, target, reward, action, context }, i) => {
    const fold = i % folds;
    const baseline = Object.entries(targetOf(context)).reduce(
      (sum, [name, probability]) => sum + probability * predict(fold, name, context),
      0,
    );
    return { propensity, target, reward, predicted: predict(fold, action, context), baseline };
  });
}

const nothing: OffPolicyEstimate = {
  value: null,
  standardError: null,
  low: null,
  high: null,
  n: 0,
  effectiveN: 0,
};

function weightOf({ target, propensity }: LoggedDecision): number {
  return target / propensity;
}

function ofScores(
  decisions: readonly LoggedDecision[],
  scores: readonly number[],
  confidence: number,
): OffPolicyEstimate {
  const { length: n } = scores;
  if (n === 0) return nothing;
  const mean = scores.reduce((sum, s) => sum + s, 0) / n;
  const m2 = scores.reduce((sum, s) => sum + (s - mean) ** 2, 0);
  const error = n < 2 ? null : Math.sqrt(m2 / (n - 1) / n);
  return { ...interval(mean, error, confidence), n, effectiveN: effective(decisions.map(weightOf)) };
}

function interval(value: number, standardError: number | null, confidence: number) {
  if (standardError === null) return { value, standardError, low: null, high: null };
  const half = normalQuantile(0.5 + confidence / 2) * standardError;
  return { value, standardError, low: value - half, high: value + half };
}

function effective(weights: readonly number[]): number {
  const sum = weights.reduce((total, w) => total + w, 0);
  const squares = weights.reduce((total, w) => total + w * w, 0);
  return squares === 0 ? 0 : (sum * sum) / squares;
}

/** What was seen of an action under one propensity: all that the estimates of a policy without context need. */
export interface ActionStratum {
  readonly action: string;
  readonly propensity: number;
  readonly reward: Moments;
}

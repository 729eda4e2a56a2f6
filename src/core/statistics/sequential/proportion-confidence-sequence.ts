import { type Estimate, undefinedEstimate } from '../estimate.ts';
import { logBeta } from '../special/log-beta.ts';
import { bisect } from './bisect.ts';

/**
 * Confidence sequence for a proportion, exact at every sample size and under continuous looking: all p whose
 * Beta(½, ½)-binomial Bayes factor is below 1/alpha (Ville's inequality).
 *
 * It also answers "is the p99 latency at most X?": that is the same as "is the share of requests slower than X at
 * most 1 %?", which needs two integers instead of a sketch of the latencies, merges by addition, and is exact.
 * Undefined (null) for n = 0. Sources: Robbins (1970); Lindon, Malek (2022) with two categories.
 */
export function proportionConfidenceSequence(successes: number, n: number, alpha: number): Estimate {
  if (n === 0) return undefinedEstimate(0);
  const evidence = logBeta(successes + 0.5, n - successes + 0.5) - logBeta(0.5, 0.5);
  const term = (count: number, p: number): number => (count === 0 ? 0 : count * Math.log(p));
  const plausible = (p: number): boolean =>
    evidence - term(successes, p) - term(n - successes, 1 - p) < Math.log(1 / alpha);
  const value = successes / n;
  return { value, low: bisect(plausible, value, 0), high: bisect(plausible, value, 1), n };
}

import { logBeta } from '../special/log-beta.ts';

/** Ranks (1-based) of a sorted sample between which a quantile lies; null: not bounded on that side yet. */
interface QuantileRanks {
  readonly low: number | null;
  readonly high: number | null;
}

/**
 * Confidence sequence for the p-quantile of a stream, as ranks of the values seen so far: the quantile is between the
 * `low`-th and the `high`-th smallest of `n` values, at all times together with probability at least 1 − alpha.
 *
 * Exact, for whatever law: the number of values at most the quantile is binomial with probability p (with ties, at
 * least), so the ranks are those that the Beta(½, ½)-binomial mixture of proportionConfidenceSequence cannot tell
 * from p. For latencies: p 0.99 is bounded above only after about 1,500 values at alpha 0.05.
 * Source: Howard, Ramdas (2022), "Sequential estimation of quantiles", with the beta-binomial boundary of theorem 1.
 */
export function quantileConfidenceSequence(n: number, p: number, alpha: number): QuantileRanks {
  if (n === 0) return { low: null, high: null };
  const evidence = (count: number): number =>
    logBeta(count + 0.5, n - count + 0.5) -
    logBeta(0.5, 0.5) -
    count * Math.log(p) -
    (n - count) * Math.log1p(-p);
  const plausible = (count: number): boolean => evidence(count) < Math.log(1 / alpha);
  const middle = Math.min(n, Math.max(0, Math.round(n * p)));
  // Evidence is convex in the count and least near n·p, so plausible counts are one run around it.
  const first = lastPlausible(plausible, middle, 0);
  const last = lastPlausible(plausible, middle, n);
  return { low: first === 0 ? null : first, high: last === n ? null : last + 1 };
}

/** The plausible count that is farthest from `inside` towards `outside`. */
function lastPlausible(plausible: (count: number) => boolean, inside: number, outside: number): number {
  if (plausible(outside)) return outside;
  let [good, bad] = [inside, outside];
  while (Math.abs(bad - good) > 1) {
    const middle = Math.trunc((good + bad) / 2);
    if (plausible(middle)) good = middle;
    else bad = middle;
  }
  return good;
}

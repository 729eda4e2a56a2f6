import type { Estimate } from '../estimate.ts';
import { logBeta } from '../special/log-beta.ts';
import { bisect } from './bisect.ts';

/** Rare events (errors, slow replies, non-finite scores) counted in both arms while the split was constant. */
interface ArmCounts {
  readonly challenger: number;
  readonly champion: number;
  /** Share of requests routed to the challenger by design, strictly between 0 and 1. */
  readonly challengerShare: number;
}

/** What counts of rare events say of both arms' rates. */
interface ArmCountTest {
  /** Anytime-valid p-value of "both arms have the same rate of events". */
  readonly pValue: number;
  /**
   * Challenger's rate over champion's, with its confidence sequence. value null = no event at all; high null = no
   * upper bound yet (no event in the champion). n = events.
   */
  readonly ratio: Estimate;
}

/** Bounds of the searched logarithm of the ratio: e^±30. */
const MAX_LOG_RATIO = 30;

/**
 * Do the arms have the same rate of some event? Exact, and valid under continuous looking. Given that an event
 * happened, it happened in the challenger with probability proportional to its traffic, so only the events are
 * counted, not the requests. Evidence of strata (splits) is multiplied.
 *
 * Source: Lindon, Malek (2022) with two categories and a Beta(½, ½) mixture in each stratum.
 */
export function armCountTest(strata: readonly ArmCounts[], alpha: number): ArmCountTest {
  const x = strata.reduce((sum, s) => sum + s.challenger, 0);
  const y = strata.reduce((sum, s) => sum + s.champion, 0);
  if (x + y === 0) return { pValue: 1, ratio: { value: null, low: 0, high: null, n: 0 } };
  const logEvidence = (logRatio: number): number =>
    strata.reduce((sum, s) => sum + stratumLogEvidence(s, logRatio), 0);
  const best = minimum(logEvidence);
  const plausible = (logRatio: number): boolean => logEvidence(logRatio) < Math.log(1 / alpha);
  return {
    pValue: Math.min(1, Math.exp(-logEvidence(0))),
    ratio: {
      value: x === 0 ? 0 : y === 0 ? null : Math.exp(best),
      low: x === 0 ? 0 : Math.exp(bisect(plausible, best, -MAX_LOG_RATIO)),
      high: y === 0 ? null : Math.exp(bisect(plausible, best, MAX_LOG_RATIO)),
      n: x + y,
    },
  };
}

/** ln of Beta-mixture likelihood over the likelihood at this ratio; convex in the logarithm of the ratio. */
function stratumLogEvidence(s: ArmCounts, logRatio: number): number {
  const logOdds = logRatio + Math.log(s.challengerShare / (1 - s.challengerShare));
  const logShare = -softplus(-logOdds);
  const logRest = -softplus(logOdds);
  const mixture = logBeta(s.challenger + 0.5, s.champion + 0.5) - logBeta(0.5, 0.5);
  return mixture - s.challenger * logShare - s.champion * logRest;
}

/** ln(1 + e^x) without overflow. */
function softplus(x: number): number {
  return x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x));
}

/** Ternary search for the minimum of a convex function of the logarithm of the ratio. */
function minimum(f: (x: number) => number): number {
  let [low, high] = [-MAX_LOG_RATIO, MAX_LOG_RATIO];
  while (high - low > 1e-9) {
    const third = (high - low) / 3;
    if (f(low + third) <= f(high - third)) high -= third;
    else low += third;
  }
  return (low + high) / 2;
}

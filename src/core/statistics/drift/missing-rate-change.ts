import { normalTwoSidedP } from '../special/normal-two-sided-p.ts';
import { DRIFT_ALPHA, DRIFT_MIN_N, type DriftResult } from './drift-result.ts';
import { fisherExact } from './fisher-exact.ts';

/** Smallest change of the missing rate, noise removed, that counts: one percentage point. */
const MISSING_MIN_EFFECT = 0.01;

/** The verdict on the share of a column's missing values. */
interface MissingRateChange extends DriftResult {
  /** Share of missing values, 0..1; null for no rows. */
  readonly referenceRatio: number | null;
  readonly currentRatio: number | null;
}

/**
 * Did the share of missing values change? Two-proportion z-test with pooled variance (Fisher's exact test when a
 * cell is expected less than 5 times) **and** a difference, its variance removed in quadrature, of at least
 * `minEffect`. All present or all missing on both sides gives p 1. Here referenceN and currentN count all rows.
 * Source: statsmodels `proportions_ztest`.
 */
export function missingRateChange(
  reference: { readonly missing: number; readonly rows: number },
  current: { readonly missing: number; readonly rows: number },
  { alpha = DRIFT_ALPHA, minEffect = MISSING_MIN_EFFECT }: { alpha?: number; minEffect?: number } = {},
): MissingRateChange {
  const n = reference.rows;
  const m = current.rows;
  const result = {
    effectName: 'difference of missing rates',
    referenceN: n,
    currentN: m,
    referenceRatio: n === 0 ? null : reference.missing / n,
    currentRatio: m === 0 ? null : current.missing / m,
  } as const;
  if (result.referenceRatio === null || result.currentRatio === null || Math.min(n, m) < DRIFT_MIN_N) {
    return { ...result, verdict: 'insufficient', drifted: false, pValue: null, effect: null };
  }
  const pooled = (reference.missing + current.missing) / (n + m);
  const variance = pooled * (1 - pooled) * (1 / n + 1 / m);
  const difference = result.currentRatio - result.referenceRatio;
  const expected = Math.min(n, m) * Math.min(pooled, 1 - pooled);
  let pValue = 1;
  if (variance > 0) {
    pValue =
      expected >= 5
        ? normalTwoSidedP(difference / Math.sqrt(variance))
        : fisherExact(current.missing, m - current.missing, reference.missing, n - reference.missing);
  }
  const effect = Math.sqrt(Math.max(0, difference * difference - variance));
  const drifted = pValue <= alpha && effect >= minEffect;
  return { ...result, verdict: drifted ? 'drifted' : 'stable', drifted, pValue, effect };
}

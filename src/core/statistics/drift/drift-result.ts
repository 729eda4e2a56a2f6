/** Verdict on one column of one window against its reference. */
export interface DriftResult {
  /** `insufficient` = too few values in one of the samples (or none) to say anything; never reported as stable. */
  readonly verdict: 'drifted' | 'stable' | 'insufficient';
  /** Is drift claimed: pValue <= alpha and effect >= the smallest effect that matters. */
  readonly drifted: boolean;
  readonly pValue: number | null;
  /** Size of the change with its noise floor removed, in the units of `effectName`. */
  readonly effect: number | null;
  readonly effectName: 'rank Wasserstein' | 'Jensen-Shannon distance' | 'difference of missing rates';
  /** Values compared, missing and infinite ones not counted. */
  readonly referenceN: number;
  readonly currentN: number;
}

/** Fewest values of a sample below which no verdict is given. */
export const DRIFT_MIN_N = 30;

/** The significance level of one column's test before any correction for many columns. */
export const DRIFT_ALPHA = 0.01;

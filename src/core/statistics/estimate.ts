/**
 * An estimate with its confidence interval. null = not defined on these rows (for instance AUC with one class
 * absent); it is never reported as 0 instead.
 */
export interface Estimate {
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
  /** Number of rows that the value rests on. */
  readonly n: number;
}

/** The estimate of something that is not defined on `n` rows. */
export function undefinedEstimate(n: number): Estimate {
  return { value: null, low: null, high: null, n };
}

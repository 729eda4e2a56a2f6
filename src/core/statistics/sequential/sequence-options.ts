/** How a confidence sequence of means is tuned. All of it must be fixed before the data are looked at. */
export interface SequenceOptions {
  /** Probability that the true value is outside at any time at all, two-sided. */
  readonly alpha: number;
  /** Sample size at which the interval is to be tightest; it is valid at every other size too. */
  readonly targetN: number;
  /** No interval before this many values in each arm: the variance is still too badly known. */
  readonly minimumN?: number;
}

/** No interval of a mean before this many values, unless said otherwise. */
export const SEQUENCE_MINIMUM_N = 100;

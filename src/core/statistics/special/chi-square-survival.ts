import { regularisedGammaQ } from './regularised-gamma.ts';

/** P(X >= statistic) for a chi-square law with `df` > 0 degrees of freedom; NaN for other input. */
export function chiSquareSurvival(statistic: number, df: number): number {
  return regularisedGammaQ(df / 2, statistic / 2);
}

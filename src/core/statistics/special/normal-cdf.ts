import { regularisedGammaQ } from './regularised-gamma.ts';

/** Distribution function of the standard normal law; accurate in both tails. NaN for NaN. */
export function normalCdf(z: number): number {
  const tail = regularisedGammaQ(0.5, (z * z) / 2) / 2;
  return z < 0 ? tail : 1 - tail;
}

/** Two-sided p-value of a standard normal statistic, P(|Z| >= |z|). */
export function normalTwoSidedP(z: number): number {
  return regularisedGammaQ(0.5, (z * z) / 2);
}

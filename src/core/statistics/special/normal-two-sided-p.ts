import { regularisedGammaQ } from './regularised-gamma.ts';

/** Two-sided p-value of a standard normal statistic, P(|Z| >= |z|); accurate far out too. NaN for NaN. */
export function normalTwoSidedP(z: number): number {
  return regularisedGammaQ(0.5, (z * z) / 2);
}

import { normalQuantile } from './normal-quantile.ts';

/**
 * Quantile of Student's t distribution, by its expansion around the normal one: within 0.0001 from 10 degrees of freedom
 * on for probabilities of 0.005 to 0.995, and exact in the limit.
 *
 * @param freedom degrees of freedom, at least 3; need not be a whole number
 * Source: Abramowitz, Stegun (1964), 26.7.5.
 */
export function studentQuantile(probability: number, freedom: number): number {
  const z = normalQuantile(probability);
  const g1 = (z ** 3 + z) / 4;
  const g2 = (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96;
  const g3 = (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384;
  const g4 = (79 * z ** 9 + 776 * z ** 7 + 1482 * z ** 5 - 1920 * z ** 3 - 945 * z) / 92160;
  return z + g1 / freedom + g2 / freedom ** 2 + g3 / freedom ** 3 + g4 / freedom ** 4;
}

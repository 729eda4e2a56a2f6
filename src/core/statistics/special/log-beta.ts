import { logGamma } from './log-gamma.ts';

/** Natural logarithm of the beta function B(a, b), for a, b > 0; NaN otherwise. */
export function logBeta(a: number, b: number): number {
  return logGamma(a) + logGamma(b) - logGamma(a + b);
}

import { type Estimate, undefinedEstimate } from './estimate.ts';
import { normalQuantile } from './special/normal-quantile.ts';

/**
 * A proportion with Wilson's score interval; never leaves [0, 1] and is not empty at 0 or n successes.
 * n = 0 is undefined. Source: Wilson (1927); statsmodels `proportion_confint(method='wilson')`.
 */
export function wilson(successes: number, n: number, confidence = 0.95): Estimate {
  if (n === 0) return undefinedEstimate(0);
  const z = normalQuantile(0.5 + confidence / 2);
  const p = successes / n;
  const centre = (p + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const half = (z * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n))) / (1 + (z * z) / n);
  return {
    value: p,
    low: successes === 0 ? 0 : centre - half,
    high: successes === n ? 1 : centre + half,
    n,
  };
}

import { logGamma } from '../special/log-gamma.ts';

/**
 * Two-sided p-value of Fisher's exact test of [[a, b], [c, d]]: the total probability of all tables with the same
 * margins that are no more likely than this one. 1 if a margin is 0. Meant for small a + c: it walks all tables.
 * Source: scipy `fisher_exact`.
 */
export function fisherExact(a: number, b: number, c: number, d: number): number {
  const row = a + b;
  const column = a + c;
  const total = a + b + c + d;
  const logChoose = (n: number, k: number): number => logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1);
  const logAll = logChoose(total, column);
  const probability = (x: number): number =>
    Math.exp(logChoose(row, x) + logChoose(total - row, column - x) - logAll);
  const limit = probability(a) * (1 + 1e-7);
  let sum = 0;
  for (let x = Math.max(0, column - (total - row)); x <= Math.min(row, column); x++) {
    const p = probability(x);
    if (p <= limit) sum += p;
  }
  return Math.min(1, sum);
}

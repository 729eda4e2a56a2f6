import type { Rng } from '../rng.ts';
import { logGamma } from './special/log-gamma.ts';

/**
 * One draw from Binomial(n, p), exact for any n. Sources: inversion for n·p < 10; above, the transformed
 * rejection BTRS of Hörmann (1993), in constant time.
 */
export function binomialSample(n: number, p: number, rng: Rng): number {
  if (n <= 0 || p <= 0) return 0;
  if (p >= 1) return n;
  if (p > 0.5) return n - binomialSample(n, 1 - p, rng);
  return n * p < 10 ? byInversion(n, p, rng) : byRejection(n, p, rng);
}

function byInversion(n: number, p: number, rng: Rng): number {
  const odds = p / (1 - p);
  let probability = Math.exp(n * Math.log1p(-p));
  let u = rng.next();
  for (let k = 0; k < n; k++) {
    if (u < probability) return k;
    u -= probability;
    probability *= ((n - k) / (k + 1)) * odds;
    if (probability === 0) return k;
  }
  return n;
}

function byRejection(n: number, p: number, rng: Rng): number {
  const spread = Math.sqrt(n * p * (1 - p));
  const b = 1.15 + 2.53 * spread;
  const a = -0.0873 + 0.0248 * b + 0.01 * p;
  const c = n * p + 0.5;
  const vr = 0.92 - 4.2 / b;
  const alpha = (2.83 + 5.1 / b) * spread;
  const logOdds = Math.log(p / (1 - p));
  const mode = Math.floor((n + 1) * p);
  const logAtMode = logGamma(mode + 1) + logGamma(n - mode + 1);
  for (;;) {
    const u = rng.next() - 0.5;
    const v = rng.next();
    const us = 0.5 - Math.abs(u);
    const k = Math.floor(((2 * a) / us + b) * u + c);
    if (us >= 0.07 && v <= vr) return k;
    if (k < 0 || k > n) continue;
    const accept = logAtMode - logGamma(k + 1) - logGamma(n - k + 1) + (k - mode) * logOdds;
    if (Math.log((v * alpha) / (a / (us * us) + b)) <= accept) return k;
  }
}

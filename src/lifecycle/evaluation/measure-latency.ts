import type { Rng } from '../../core/rng.ts';
import { quantileEstimate } from '../../core/statistics/quantile-estimate.ts';
import type { Latency } from './contract.ts';

const WARM_UP_RUNS = 20;
const MAX_RUNS = 2000;
/** Fewest runs, even of a model so slow that the time is used up. */
const MIN_RUNS = 50;
const BUDGET_MS = 3000;

/**
 * Times single rows, drawn at random, one after the other: the model's share of a request's latency. Fast models
 * get 2000 runs, slow ones as many as fit into three seconds (50 at least). Quantiles hold for any law.
 */
export async function measureLatency(
  scoreRow: (row: number) => Promise<void>,
  rows: number,
  rng: Rng,
): Promise<Latency> {
  for (let run = 0; run < WARM_UP_RUNS; run++) await scoreRow(rng.int(rows));
  const timesMs: number[] = [];
  const startMs = performance.now();
  while (timesMs.length < MAX_RUNS) {
    const beganMs = performance.now();
    if (timesMs.length >= MIN_RUNS && beganMs - startMs > BUDGET_MS) break;
    await scoreRow(rng.int(rows));
    timesMs.push(performance.now() - beganMs);
  }
  const sorted = Float64Array.from(timesMs).sort();
  return { p50Ms: quantileEstimate(sorted, 0.5), p99Ms: quantileEstimate(sorted, 0.99) };
}

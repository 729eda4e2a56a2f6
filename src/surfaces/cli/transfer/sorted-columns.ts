import type { PointColumns } from '../../../lifecycle/experiments/index.ts';
import type { MetricColumns } from './transfer-source.ts';

const largest = 1.7976931348623157e308;

/**
 * Points as they are kept: distinct, ascending by (step, time, value, NaN flag), infinities as the largest finite
 * numbers, NaN as a flag beside 0.
 */
export function sortedColumns({ steps, timesMs, values }: MetricColumns): PointColumns {
  const kept = values.map((value) =>
    Number.isNaN(value) ? 0 : Math.min(largest, Math.max(-largest, value)),
  );
  const compare = (a: number, b: number): number =>
    (steps[a] ?? 0) - (steps[b] ?? 0) ||
    (timesMs[a] ?? 0) - (timesMs[b] ?? 0) ||
    (kept[a] ?? 0) - (kept[b] ?? 0) ||
    Number(Number.isNaN(values[a])) - Number(Number.isNaN(values[b]));
  const order = Uint32Array.from(values.keys());
  let isSorted = true;
  for (let i = 1; i < order.length && isSorted; i++) isSorted = compare(i - 1, i) < 0;
  if (!isSorted) order.sort(compare);
  const distinct = isSorted
    ? order
    : order.filter((at, i) => i === 0 || compare(order[i - 1] ?? 0, at) !== 0);
  const pick = (column: readonly number[]): number[] => Array.from(distinct, (at) => column[at] ?? 0);
  return {
    steps: pick(steps),
    timesMs: pick(timesMs),
    values: pick(kept),
    nans: Array.from(distinct, (at) => Number.isNaN(values[at])),
  };
}

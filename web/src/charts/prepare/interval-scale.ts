import { extent } from './ticks.ts';

export type IntervalRow = {
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
};

/**
 * One horizontal scale for a column of intervals round zero, so rows can be compared by eye. Symmetric; the range
 * is the 90th percentile of the ends, and what is longer is cut with an arrow.
 */
export function prepareIntervalScale(rows: readonly IntervalRow[], width: number) {
  const ends = rows
    .flatMap((row) => [row.low, row.high, row.value])
    .filter((end): end is number => end !== null && Number.isFinite(end));
  const sizes = ends.map(Math.abs).toSorted((a, b) => a - b);
  const reach = sizes[Math.floor(sizes.length * 0.9)] || extent(sizes)?.[1] || 1;
  const x = (value: number): number =>
    width / 2 + (Math.max(-1, Math.min(1, value / reach)) * (width - 12)) / 2;
  return {
    zero: width / 2,
    place(row: IntervalRow) {
      if (row.value === null || row.low === null || row.high === null) return null;
      return {
        x: x(row.value),
        low: x(row.low),
        high: x(row.high),
        cutLow: row.low < -reach,
        cutHigh: row.high > reach,
        excludesZero: row.low > 0 || row.high < 0,
      };
    },
  };
}

import type { Moments } from '../../core/statistics/moments.ts';
import type { FrameRow } from '../../platform/frames/index.ts';

/** Columns of a query that hold the moments of a column; NULL is no value. */
export function momentsSql(value: string): string {
  return `count(${value}) AS ${value}_n, coalesce(favg(${value}), 0) AS ${value}_mean,
    coalesce(var_pop(${value}) * count(${value}), 0) AS ${value}_m2`;
}

/** The moments of a column from a row of such a query. */
export function momentsFrom(row: FrameRow, value: string): Moments {
  return {
    n: Number(row[`${value}_n`]),
    mean: Number(row[`${value}_mean`]),
    m2: Number(row[`${value}_m2`]),
  };
}

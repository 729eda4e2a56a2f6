import { comparePoints, type MetricPoint } from '../metric-point.ts';
import type { ExperimentsTables } from './tables.ts';

export type SeriesRow = Omit<ExperimentsTables['metric_series'], 'id'> & { readonly id: number };
export type Summary = Omit<SeriesRow, 'id' | 'run_seq' | 'key'>;

/** Points by step, time and value, without those that are there twice. */
export function sortedPoints(points: readonly MetricPoint[]): readonly MetricPoint[] {
  if (points.length < 2) return points;
  const sorted = isAscending(points) ? points : [...points].sort(comparePoints);
  return sorted.filter((point, i) => i === 0 || comparePoints(sorted[i - 1] as MetricPoint, point) !== 0);
}

function isAscending(points: readonly MetricPoint[]): boolean {
  for (let i = 1; i < points.length; i++) {
    if (comparePoints(points[i - 1] as MetricPoint, points[i] as MetricPoint) >= 0) return false;
  }
  return true;
}

/** The last point of a series by step, time, value: the metric’s value, as MLflow has it. */
export function lastOf(row: Summary): MetricPoint {
  const { last_step: step, last_time_ms: timeMs, last_value: value } = row;
  return { step, timeMs, value, isNan: row.last_is_nan === 1 };
}

/** The first point of a series by step, time, value. */
export function firstOf(row: Summary): MetricPoint {
  const { first_step: step, first_time_ms: timeMs, first_value: value } = row;
  return { step, timeMs, value, isNan: row.first_is_nan === 1 };
}

/** The summary of points in ascending order; there is at least one. */
export function summaryOf(points: readonly MetricPoint[]): Summary {
  const [first, last] = [points[0], points.at(-1)];
  if (!first || !last) throw new Error('a series without points');
  let [min, max]: [MetricPoint | null, MetricPoint | null] = [null, null];
  let halfMean = 0;
  let numbers = 0;
  for (const point of points) {
    if (point.isNan) continue;
    numbers++;
    if (min === null || point.value < min.value) min = point;
    if (max === null || point.value > max.value) max = point;
    halfMean += (point.value / 2 - halfMean) / numbers;
  }
  return {
    count: points.length,
    nan_count: points.length - numbers,
    last_step: last.step,
    last_time_ms: last.timeMs,
    last_value: last.value,
    last_is_nan: Number(last.isNan),
    first_step: first.step,
    first_time_ms: first.timeMs,
    first_value: first.value,
    first_is_nan: Number(first.isNan),
    min_value: min?.value ?? null,
    min_step: min?.step ?? null,
    max_value: max?.value ?? null,
    max_step: max?.step ?? null,
    mean_value: numbers === 0 ? null : 2 * halfMean,
  };
}

/** One summary of two sets of points that have none in common. */
export function mergedSummary(a: Summary, b: Summary): Summary {
  const last = comparePoints(lastOf(b), lastOf(a)) > 0 ? b : a;
  const first = comparePoints(firstOf(b), firstOf(a)) < 0 ? b : a;
  const min = better(a.min_value, a.min_step, b.min_value, b.min_step, -1) ? b : a;
  const max = better(a.max_value, a.max_step, b.max_value, b.max_step, 1) ? b : a;
  return {
    count: a.count + b.count,
    nan_count: a.nan_count + b.nan_count,
    last_step: last.last_step,
    last_time_ms: last.last_time_ms,
    last_value: last.last_value,
    last_is_nan: last.last_is_nan,
    first_step: first.first_step,
    first_time_ms: first.first_time_ms,
    first_value: first.first_value,
    first_is_nan: first.first_is_nan,
    min_value: min.min_value,
    min_step: min.min_step,
    max_value: max.max_value,
    max_step: max.max_step,
    mean_value: mergedMean(a, b),
  };
}

/** Whether extreme `b` replaces `a`: it is further out, or as far at an earlier step. */
function better(
  a: number | null,
  aStep: number | null,
  b: number | null,
  bStep: number | null,
  sign: 1 | -1,
): boolean {
  if (a === null || b === null) return a === null;
  return b === a ? (bStep ?? 0) < (aStep ?? 0) : sign * b > sign * a;
}

/** In halves, because the difference of the greatest numbers is no number. */
function mergedMean(a: Summary, b: Summary): number | null {
  if (a.mean_value === null || b.mean_value === null) return a.mean_value ?? b.mean_value;
  const [n, m] = [a.count - a.nan_count, b.count - b.nan_count];
  return 2 * (a.mean_value / 2 + (b.mean_value / 2 - a.mean_value / 2) * (m / (n + m)));
}

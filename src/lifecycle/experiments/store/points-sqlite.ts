import type { SqliteStatements, Tx } from '../../../platform/db/index.ts';
import { comparePoints, type MetricPoint } from '../metric-point.ts';
import { insertPoints } from './points.ts';
import { lastOf, mergedSummary, type SeriesRow, type Summary, sortedPoints, summaryOf } from './summary.ts';
import { appendTail, moveTail, tailEnd } from './tail.ts';

/** How many series of runs that were written to last are kept in memory, about 400 bytes each. */
const keptSeries = 20_000;

type KnownSeries = { -readonly [K in keyof SeriesRow]: SeriesRow[K] };

/** What was written last of a run: its series by key, and where its tail ends. */
interface KnownRun {
  readonly series: Map<string, KnownSeries>;
  tailSeq: number;
}

interface KnownRuns {
  /** The run that was written to last comes last. */
  readonly runs: Map<number, KnownRun>;
  seriesCount: number;
}

/**
 * Adds points to a run's series on SQLite. Points behind the last of their series, as nearly all are, go to the
 * run's tail and need no look at what is there; others are put where they belong at once.
 */
export async function addPointsOnSqlite(
  tx: Tx,
  sqlite: SqliteStatements,
  runSeq: number,
  pointsByKey: ReadonlyMap<string, readonly MetricPoint[]>,
): Promise<void> {
  const memory = sqlite.remembered<KnownRuns>('experiments.series', () => ({
    runs: new Map(),
    seriesCount: 0,
  }));
  const run = knownRun(memory, sqlite, runSeq);
  const tail: number[] = [];
  for (const [key, given] of pointsByKey) {
    const points = sortedPoints(given);
    const series = run.series.get(key);
    const first = points[0];
    if (!first) continue;
    if (!series) {
      const row = insertSeries(sqlite, runSeq, key, summaryOf(points));
      run.series.set(key, row);
      memory.seriesCount++;
      pushPoints(tail, row.id, points);
    } else if (points.length === 1 && isBehind(series, first)) {
      pushPoints(tail, series.id, points);
      extendSeries(sqlite, series, first);
    } else if (isBehind(series, first)) {
      pushPoints(tail, series.id, points);
      changeSeries(sqlite, run, series, points);
    } else {
      const last = lastOf(series);
      const newer = points.filter((point) => comparePoints(point, last) > 0);
      const older = points.slice(0, points.length - newer.length);
      // Among the older ones may be some that wait in the tail.
      while ((await moveTail(tx, 'sqlite', runSeq)) > 0);
      const [added] = await insertPoints(tx, 'sqlite', [{ seriesId: series.id, points: older }]);
      pushPoints(tail, series.id, newer);
      changeSeries(sqlite, run, series, [...(added?.points ?? []), ...newer]);
    }
  }
  if (tail.length === 0) return;
  appendTail(sqlite, runSeq, run.tailSeq, new Float64Array(tail));
  run.tailSeq += tail.length / 4;
}

function pushPoints(tail: number[], seriesId: number, points: readonly MetricPoint[]): void {
  for (const { step, timeMs, value, isNan } of points) {
    tail.push(seriesId, step, timeMs, isNan ? Number.NaN : value);
  }
}

function knownRun(memory: KnownRuns, sqlite: SqliteStatements, runSeq: number): KnownRun {
  const known = memory.runs.get(runSeq);
  if (known) {
    memory.runs.delete(runSeq);
    memory.runs.set(runSeq, known);
    return known;
  }
  const rows = sqlite.all<SeriesRow>('SELECT * FROM metric_series WHERE run_seq = ?', runSeq);
  for (const [other, { series }] of memory.runs) {
    if (memory.seriesCount + rows.length <= keptSeries) break;
    memory.runs.delete(other);
    memory.seriesCount -= series.size;
  }
  // Copies: rows as they come from the database are slow to change.
  const run = { series: new Map(rows.map((row) => [row.key, { ...row }])), tailSeq: tailEnd(sqlite, runSeq) };
  memory.runs.set(runSeq, run);
  memory.seriesCount += rows.length;
  return run;
}

/** Whether a point comes after all that a series has, by step, time and value. */
function isBehind(series: KnownSeries, point: MetricPoint): boolean {
  if (point.step !== series.last_step) return point.step > series.last_step;
  if (point.timeMs !== series.last_time_ms) return point.timeMs > series.last_time_ms;
  return comparePoints(point, lastOf(series)) > 0;
}

/** Takes one point behind the last into the summary, in place: most writes come here once per metric. */
function extendSeries(sqlite: SqliteStatements, s: KnownSeries, point: MetricPoint): void {
  const { step, timeMs, value, isNan } = point;
  s.count++;
  s.last_step = step;
  s.last_time_ms = timeMs;
  s.last_value = value;
  s.last_is_nan = isNan ? 1 : 0;
  if (isNan) {
    s.nan_count++;
  } else {
    if (s.min_value === null || value < s.min_value) [s.min_value, s.min_step] = [value, step];
    if (s.max_value === null || value > s.max_value) [s.max_value, s.max_step] = [value, step];
    const half = (s.mean_value ?? value) / 2;
    s.mean_value = 2 * (half + (value / 2 - half) / (s.count - s.nan_count));
  }
  sqlite.run(
    `UPDATE metric_series SET count = ?, nan_count = ?, last_step = ?, last_time_ms = ?, last_value = ?,
      last_is_nan = ?, min_value = ?, min_step = ?, max_value = ?, max_step = ?, mean_value = ? WHERE id = ?`,
    ...[s.count, s.nan_count, step, timeMs, value, s.last_is_nan],
    ...[s.min_value, s.min_step, s.max_value, s.max_step, s.mean_value, s.id],
  );
}

function insertSeries(sqlite: SqliteStatements, runSeq: number, key: string, s: Summary): SeriesRow {
  const made = sqlite.get<{ id: number }>(
    `INSERT INTO metric_series (run_seq, key, count, nan_count, last_step, last_time_ms, last_value, last_is_nan,
      first_step, first_time_ms, first_value, first_is_nan, min_value, min_step, max_value, max_step, mean_value)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
    ...[runSeq, key, s.count, s.nan_count, s.last_step, s.last_time_ms, s.last_value, s.last_is_nan],
    ...[s.first_step, s.first_time_ms, s.first_value, s.first_is_nan],
    ...[s.min_value, s.min_step, s.max_value, s.max_step, s.mean_value],
  );
  if (!made) throw new Error(`no series for metric ${key}`);
  return { id: made.id, run_seq: runSeq, key, ...s };
}

function changeSeries(
  sqlite: SqliteStatements,
  run: KnownRun,
  series: SeriesRow,
  added: readonly MetricPoint[],
): void {
  if (added.length === 0) return;
  const { id, run_seq, key } = series;
  const s = mergedSummary(series, summaryOf(added));
  sqlite.run(
    `UPDATE metric_series SET count = ?, nan_count = ?, last_step = ?, last_time_ms = ?, last_value = ?,
      last_is_nan = ?, first_step = ?, first_time_ms = ?, first_value = ?, first_is_nan = ?,
      min_value = ?, min_step = ?, max_value = ?, max_step = ?, mean_value = ? WHERE id = ?`,
    ...[s.count, s.nan_count, s.last_step, s.last_time_ms, s.last_value, s.last_is_nan],
    ...[s.first_step, s.first_time_ms, s.first_value, s.first_is_nan],
    ...[s.min_value, s.min_step, s.max_value, s.max_step, s.mean_value, id],
  );
  run.series.set(key, { id, run_seq, key, ...s });
}

import type { SqliteStatements } from '../../../platform/db/index.ts';
import { comparePoints, type MetricPoint } from '../metric-point.ts';
import { lastOf, mergedSummary, type SeriesRow, summaryOf } from './summary.ts';
import { readTail, tailEnd } from './tail.ts';

/** How many series of runs that were written to last are kept in memory, about 450 bytes each. */
const keptSeries = 10_000;

/** A series with its summary as it is, which the table may not show yet. */
export type KnownSeries = { -readonly [K in keyof SeriesRow]: SeriesRow[K] };

interface KnownRun {
  readonly seq: number;
  readonly series: Map<string, KnownSeries>;
  /** Those whose rows are behind. What is missing there is in the run's tail, from the number in `metric_unsummed`. */
  readonly changed: Set<KnownSeries>;
  isUnsummed: boolean;
  tailEnd: number;
}

/**
 * Series of the runs that were written to last, on SQLite, where no other process writes. Forgotten when something
 * is taken back, which loses nothing: summaries that were not written yet are made again from the tail.
 */
export class KnownRuns {
  readonly #sqlite: SqliteStatements;
  /** The run that was written to last comes last. */
  readonly #runs = new Map<number, KnownRun>();
  #seriesCount = 0;

  private constructor(sqlite: SqliteStatements) {
    this.#sqlite = sqlite;
  }

  static of(sqlite: SqliteStatements): KnownRuns {
    return sqlite.remembered('experiments.runs', () => new KnownRuns(sqlite));
  }

  get(runSeq: number): KnownRun {
    const known = this.#runs.get(runSeq);
    if (known) {
      this.#runs.delete(runSeq);
      this.#runs.set(runSeq, known);
      return known;
    }
    const run = this.#load(runSeq);
    for (const other of this.#runs.values()) {
      if (this.#seriesCount + run.series.size <= keptSeries) break;
      this.writeSummaries(other);
      this.#runs.delete(other.seq);
      this.#seriesCount -= other.series.size;
    }
    this.#runs.set(runSeq, run);
    this.#seriesCount += run.series.size;
    return run;
  }

  #load(runSeq: number): KnownRun {
    const sqlite = this.#sqlite;
    const rows = sqlite.all<SeriesRow>('SELECT * FROM metric_series WHERE run_seq = ?', runSeq);
    // Copies: rows as they come from the database are slow to change.
    const series = new Map(rows.map((row) => [row.key, { ...row } as KnownSeries]));
    const text = 'SELECT seq FROM metric_unsummed WHERE run_seq = ?';
    const unsummed = sqlite.get<{ seq: number }>(text, runSeq);
    const changed = new Set<KnownSeries>();
    if (unsummed) {
      const waiting = readTail(sqlite, runSeq, unsummed.seq).points;
      for (const known of series.values()) {
        const points = waiting.get(known.id);
        if (!points) continue;
        takeIn(known, points);
        changed.add(known);
      }
    }
    const end = tailEnd(sqlite, runSeq);
    return { seq: runSeq, series, changed, isUnsummed: unsummed !== undefined, tailEnd: end };
  }

  /** Adds a series without points. */
  add(run: KnownRun, key: string): KnownSeries {
    const zero = { count: 0, nan_count: 0, last_step: 0, last_time_ms: 0, last_value: 0, last_is_nan: 0 };
    const zeroFirst = { first_step: 0, first_time_ms: 0, first_value: 0, first_is_nan: 0 };
    const none = { min_value: null, min_step: null, max_value: null, max_step: null, mean_value: null };
    const made = this.#sqlite.get<{ id: number }>(
      `INSERT INTO metric_series (run_seq, key, count, last_step, last_time_ms, last_value, last_is_nan,
        first_step, first_time_ms, first_value, first_is_nan) VALUES (?, ?, 0, 0, 0, 0, 0, 0, 0, 0, 0) RETURNING id`,
      ...[run.seq, key],
    );
    if (!made) throw new Error(`no series for metric ${key}`);
    const series = { id: made.id, run_seq: run.seq, key, ...zero, ...zeroFirst, ...none };
    run.series.set(key, series);
    this.#seriesCount++;
    return series;
  }

  /** Brings the rows of a run's series up to date. */
  writeSummaries(run: KnownRun): void {
    for (const series of run.changed) this.writeSummary(series);
    run.changed.clear();
    if (run.isUnsummed) this.#sqlite.run('DELETE FROM metric_unsummed WHERE run_seq = ?', run.seq);
    run.isUnsummed = false;
  }

  writeSummary(s: KnownSeries): void {
    this.#sqlite.run(
      `UPDATE metric_series SET count = ?, nan_count = ?, last_step = ?, last_time_ms = ?, last_value = ?,
        last_is_nan = ?, first_step = ?, first_time_ms = ?, first_value = ?, first_is_nan = ?,
        min_value = ?, min_step = ?, max_value = ?, max_step = ?, mean_value = ? WHERE id = ?`,
      ...[s.count, s.nan_count, s.last_step, s.last_time_ms, s.last_value, s.last_is_nan],
      ...[s.first_step, s.first_time_ms, s.first_value, s.first_is_nan],
      ...[s.min_value, s.min_step, s.max_value, s.max_step, s.mean_value, s.id],
    );
  }

  /** Notes, before points go to a run's tail, that its summaries will be behind from here. */
  beginUnsummed(run: KnownRun): void {
    if (run.isUnsummed) return;
    this.#sqlite.run('INSERT INTO metric_unsummed (run_seq, seq) VALUES (?, ?)', run.seq, run.tailEnd);
    run.isUnsummed = true;
  }
}

/** Whether a point (value NaN as such) comes after all that a series has, by step, time and value. */
export function isBehind(series: KnownSeries, step: number, timeMs: number, value: number): boolean {
  if (series.count === 0) return true;
  if (step !== series.last_step) return step > series.last_step;
  if (timeMs !== series.last_time_ms) return timeMs > series.last_time_ms;
  const isNan = Number.isNaN(value);
  return comparePoints({ step, timeMs, value: isNan ? 0 : value, isNan }, lastOf(series)) > 0;
}

/** Takes points that a series did not have, ascending, into its summary. */
export function takeIn(series: KnownSeries, points: readonly MetricPoint[]): void {
  if (points.length === 0) return;
  if (series.count === 0) Object.assign(series, summaryOf(points));
  else Object.assign(series, mergedSummary(series, summaryOf(points)));
}

/** The same for one point behind the last (value NaN as such): what most writes do once per metric. */
export function takeInNext(s: KnownSeries, step: number, timeMs: number, value: number): void {
  const isNan = Number.isNaN(value);
  s.count++;
  s.last_step = step;
  s.last_time_ms = timeMs;
  s.last_value = isNan ? 0 : value;
  s.last_is_nan = isNan ? 1 : 0;
  if (s.count === 1) {
    s.first_step = step;
    s.first_time_ms = timeMs;
    s.first_value = s.last_value;
    s.first_is_nan = s.last_is_nan;
  }
  if (isNan) {
    s.nan_count++;
    return;
  }
  if (s.min_value === null || value < s.min_value) [s.min_value, s.min_step] = [value, step];
  if (s.max_value === null || value > s.max_value) [s.max_value, s.max_step] = [value, step];
  // In halves, because the difference of the greatest numbers is no number.
  const half = (s.mean_value ?? value) / 2;
  s.mean_value = 2 * (half + (value / 2 - half) / (s.count - s.nan_count));
}

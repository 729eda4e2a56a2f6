import type { SqliteStatements } from '../../../platform/db/index.ts';
import type { MetricPoint } from '../metric-point.ts';

/**
 * The tail of a run: points that were logged on SQLite and acknowledged, but are not in their places yet.
 *
 * A batch of 500 metrics belongs to 500 places of `metric_points` and to 500 summaries in `metric_series`; written
 * there at once it costs hundreds of pages, in the tail it is one value. What many batches brought is later put in
 * its places together (settling.ts), each page written once for all of it. Tail and table have no point in common,
 * and within the tail the points of a series ascend.
 */

/** Series id, step, time in milliseconds and value (NaN as such) of each point, as the machine's 64-bit floats. */
const numbersPerPoint = 4;

/** Points as flat numbers on their way into the tail. */
export class TailWriter {
  readonly #numbers: Float64Array<ArrayBuffer>;
  #length = 0;

  /** @param capacity the most points that it will hold */
  constructor(capacity: number) {
    this.#numbers = new Float64Array(capacity * numbersPerPoint);
  }

  get count(): number {
    return this.#length / numbersPerPoint;
  }

  /** @param value NaN as such */
  push(seriesId: number, step: number, timeMs: number, value: number): void {
    this.#numbers[this.#length++] = seriesId;
    this.#numbers[this.#length++] = step;
    this.#numbers[this.#length++] = timeMs;
    this.#numbers[this.#length++] = value;
  }

  /** Appends them to the tail of a run that holds the points up to `seq`. */
  write(sqlite: SqliteStatements, runSeq: number, seq: number): void {
    sqlite.run(
      'INSERT INTO metric_tail (run_seq, seq, count, points) VALUES (?, ?, ?, ?)',
      ...[runSeq, seq, this.count],
      new Uint8Array(this.#numbers.buffer, 0, this.#length * 8),
    );
  }
}

interface TailPart {
  /** What follows has numbers from here. */
  readonly end: number;
  /** By series id; ascending within each series. */
  readonly points: ReadonlyMap<number, readonly MetricPoint[]>;
}

/** The points of a run's tail from number `from`, about `limit` of them. */
export function readTail(
  sqlite: SqliteStatements,
  runSeq: number,
  from: number,
  limit: number = Number.MAX_SAFE_INTEGER,
): TailPart {
  const rows = sqlite.all<{ seq: number; count: number; points: Uint8Array }>(
    'SELECT seq, count, points FROM metric_tail WHERE run_seq = ? AND seq >= ? AND seq < ? ORDER BY seq',
    ...[runSeq, from, Math.min(from + limit, Number.MAX_SAFE_INTEGER)],
  );
  const points = new Map<number, MetricPoint[]>();
  for (const row of rows) {
    // A copy, because the bytes may not lie where numbers may.
    const numbers = new Float64Array(row.points.slice().buffer);
    for (let i = 0; i < numbers.length; i += numbersPerPoint) {
      const [seriesId = 0, step = 0, timeMs = 0, given = 0] = numbers.subarray(i, i + numbersPerPoint);
      const ofSeries = points.get(seriesId) ?? [];
      if (ofSeries.length === 0) points.set(seriesId, ofSeries);
      const isNan = Number.isNaN(given);
      ofSeries.push({ step, timeMs, value: isNan ? 0 : given, isNan });
    }
  }
  const last = rows.at(-1);
  return { end: last ? last.seq + last.count : from, points };
}

/** The number of the first point in a run's tail, undefined when it is empty. */
export function tailStart(sqlite: SqliteStatements, runSeq: number): number | undefined {
  const text = 'SELECT seq FROM metric_tail WHERE run_seq = ? ORDER BY seq LIMIT 1';
  return sqlite.get<{ seq: number }>(text, runSeq)?.seq;
}

/** The number of the next point in a run's tail. */
export function tailEnd(sqlite: SqliteStatements, runSeq: number): number {
  const last = sqlite.get<{ end: number }>(
    'SELECT seq + count AS "end" FROM metric_tail WHERE run_seq = ? ORDER BY seq DESC LIMIT 1',
    runSeq,
  );
  return last?.end ?? 0;
}

/** Removes the points before number `end`, which are in their places. */
export function cutTail(sqlite: SqliteStatements, runSeq: number, end: number): void {
  sqlite.run('DELETE FROM metric_tail WHERE run_seq = ? AND seq < ?', runSeq, end);
}

/** A run of which points wait in its tail, undefined when there is none. */
export function runWithTail(sqlite: SqliteStatements): number | undefined {
  return sqlite.get<{ run_seq: number }>('SELECT run_seq FROM metric_tail LIMIT 1')?.run_seq;
}

/** How many points wait in the tail of each run that has one. */
export function tailCounts(
  sqlite: SqliteStatements,
): readonly { readonly run_seq: number; readonly count: number }[] {
  return sqlite.all('SELECT run_seq, sum(count) AS count FROM metric_tail GROUP BY run_seq');
}

import { type DialectName, type SqliteStatements, statements, type Tx } from '../../../platform/db/index.ts';
import { insertPoints } from './points.ts';

/**
 * The tail of a run: points that were logged on SQLite and acknowledged, but do not lie in `metric_points` yet.
 *
 * A batch of 500 metrics belongs to 500 places of the clustered table, so writing it there costs hundreds of pages;
 * in the tail it is one value. The points of many batches are then moved at once, each page written once for all
 * of its points. Tail and table have no point in common; within the tail the points of a series ascend. Whoever
 * reads points moves the tail of the run first.
 */

/** Series, step, time and value (NaN as such) of each point, as 64-bit floats of the machine. */
const numbersPerPoint = 4;

/** Four numbers per point: series id, step, time in milliseconds, value. */
export type TailPoints = Float64Array<ArrayBuffer>;

/** How many points are moved in one transaction: others write between two of them. */
const pointsPerMove = 8192;

/** Adds points to the tail of a run. `seq` is the number of points that were in it so far. */
export function appendTail(sqlite: SqliteStatements, runSeq: number, seq: number, points: TailPoints): void {
  sqlite.run(
    'INSERT INTO metric_tail (run_seq, seq, count, points) VALUES (?, ?, ?, ?)',
    runSeq,
    seq,
    points.length / numbersPerPoint,
    new Uint8Array(points.buffer, points.byteOffset, points.byteLength),
  );
}

/** The `seq` for what is appended next. */
export function tailEnd(sqlite: SqliteStatements, runSeq: number): number {
  const last = sqlite.get<{ end: number }>(
    'SELECT seq + count AS "end" FROM metric_tail WHERE run_seq = ? ORDER BY seq DESC LIMIT 1',
    runSeq,
  );
  return last?.end ?? 0;
}

/** A run of which points wait in its tail, undefined when there is none. */
export async function runWithTail(tx: Tx): Promise<number | undefined> {
  const rows = await statements(tx).all<{ run_seq: number }>('SELECT run_seq FROM metric_tail LIMIT 1', []);
  return rows[0]?.run_seq;
}

export async function hasTail(tx: Tx, runSeq: number): Promise<boolean> {
  const text = 'SELECT run_seq FROM metric_tail WHERE run_seq = ? LIMIT 1';
  return (await statements(tx).all(text, [runSeq])).length > 0;
}

/** How many points wait in all tails. */
export async function tailCount(tx: Tx): Promise<number> {
  const rows = await statements(tx).all<{ n: number | null }>('SELECT sum(count) AS n FROM metric_tail', []);
  return Number(rows[0]?.n ?? 0);
}

/**
 * Moves the oldest points of a run's tail to where they belong.
 *
 * @returns how many points were moved; 0 when the tail is empty
 */
export async function moveTail(
  tx: Tx,
  dialect: DialectName,
  runSeq: number,
  limit = pointsPerMove,
): Promise<number> {
  const sql = statements(tx);
  const rows = await sql.all<{ seq: number; count: number; points: Uint8Array }>(
    `SELECT seq, count, points FROM metric_tail WHERE run_seq = ?
      AND seq < (SELECT min(seq) FROM metric_tail WHERE run_seq = ?) + ? ORDER BY seq`,
    [runSeq, runSeq, limit],
  );
  const last = rows.at(-1);
  if (!last) return 0;
  const bySeries = new Map<number, number[]>();
  for (const row of rows) {
    // A copy, because the bytes may not lie where numbers may.
    const numbers = new Float64Array(row.points.slice().buffer);
    for (let i = 0; i < numbers.length; i += numbersPerPoint) {
      const seriesId = numbers[i] as number;
      const ofSeries = bySeries.get(seriesId) ?? [];
      if (ofSeries.length === 0) bySeries.set(seriesId, ofSeries);
      ofSeries.push(numbers[i + 1] as number, numbers[i + 2] as number, numbers[i + 3] as number);
    }
  }
  await insertPoints(
    tx,
    dialect,
    [...bySeries.keys()]
      .sort((a, b) => a - b)
      .map((seriesId) => ({ seriesId, points: pointsOf(bySeries.get(seriesId) ?? []) })),
  );
  await sql.all('DELETE FROM metric_tail WHERE run_seq = ? AND seq <= ?', [runSeq, last.seq]);
  return rows.reduce((sum, row) => sum + row.count, 0);
}

function pointsOf(numbers: readonly number[]) {
  const points = [];
  for (let i = 0; i < numbers.length; i += 3) {
    const value = numbers[i + 2] as number;
    const isNan = Number.isNaN(value);
    points.push({
      step: numbers[i] as number,
      timeMs: numbers[i + 1] as number,
      value: isNan ? 0 : value,
      isNan,
    });
  }
  return points;
}

import {
  type Database,
  type SqliteStatements,
  type SqlParameter,
  statements,
  type Tx,
} from '../../../platform/db/index.ts';
import type { MetricPoint } from '../metric-point.ts';
import { encoded, joinedPieces, type Pieces, partsOf, pieces } from './pieces.ts';

/**
 * Summaries of 64 consecutive points each, so that a chart of a million points reads a few hundred rows. A row holds
 * 64 of them and is made when somebody looks at a series that has its 4096 points; it never changes, and is deleted
 * when a point comes in before its end.
 */
export const pointsPerChunk = 64;
const pointsPerRow = 4096;
/** How many rows are made in one transaction: others write between two of them. */
const rowsPerWrite = 8;

interface PointRow {
  readonly step: number;
  readonly time_ms: number;
  readonly value: number;
  readonly is_nan: number;
}

interface RollupRow {
  readonly end_step: number;
  readonly end_time_ms: number;
  readonly end_value: number;
  readonly end_is_nan: number;
  readonly chunks: Uint8Array;
}

const order = 'step, time_ms, value, is_nan';

const toPoint = (row: PointRow): MetricPoint => ({
  step: row.step,
  timeMs: row.time_ms,
  value: row.value,
  isNan: row.is_nan === 1,
});

/** Points of a series in order: after a point, up to a step. */
export async function pointsBetween(
  tx: Tx,
  seriesId: number,
  after: MetricPoint | null,
  range: { readonly from?: number | undefined; readonly to?: number | undefined },
  limit?: number,
): Promise<readonly MetricPoint[]> {
  const conditions = ['series_id = ?'];
  const parameters: SqlParameter[] = [seriesId];
  if (after) {
    conditions.push('(step, time_ms, value, is_nan) > (?, ?, ?, ?)');
    parameters.push(after.step, after.timeMs, after.value, after.isNan ? 1 : 0);
  }
  if (range.from !== undefined) {
    conditions.push('step >= ?');
    parameters.push(range.from);
  }
  if (range.to !== undefined) {
    conditions.push('step <= ?');
    parameters.push(range.to);
  }
  const text = `SELECT ${order} FROM metric_points WHERE ${conditions.join(' AND ')} ORDER BY ${order}`;
  const rows = await statements(tx).all<PointRow>(
    limit === undefined ? text : `${text} LIMIT ?`,
    limit === undefined ? parameters : [...parameters, limit],
  );
  return rows.map(toPoint);
}

/** The chunks of a series that are kept, in order. What comes after the last of them is not in them. */
export async function keptChunks(tx: Tx, seriesId: number): Promise<Pieces> {
  const rows = await statements(tx).all<RollupRow>(
    `SELECT chunks FROM metric_rollups WHERE series_id = ?
      ORDER BY end_step, end_time_ms, end_value, end_is_nan`,
    [seriesId],
  );
  // Copies, because the bytes may not lie where numbers may.
  return joinedPieces(rows.map((row) => new Float64Array(new Uint8Array(row.chunks).buffer)));
}

/** Makes the chunks that a series has the points for and that are not kept yet. */
export async function makeRollups(db: Database, seriesId: number): Promise<void> {
  while (await mayGrow(db.read, seriesId)) await db.write((tx) => addRollups(tx, db, seriesId));
}

async function mayGrow(tx: Tx, seriesId: number): Promise<boolean> {
  const end = await rollupEnd(tx, seriesId);
  const after = end ? 'AND (step, time_ms, value, is_nan) > (?, ?, ?, ?)' : '';
  const parameters = end ? [end.step, end.timeMs, end.value, end.isNan ? 1 : 0] : [];
  const text = `SELECT step FROM metric_points WHERE series_id = ? ${after} ORDER BY ${order} LIMIT 1 OFFSET ?`;
  return (await statements(tx).all(text, [seriesId, ...parameters, pointsPerRow - 1])).length > 0;
}

async function rollupEnd(tx: Tx, seriesId: number): Promise<MetricPoint | null> {
  const [row] = await statements(tx).all<RollupRow>(
    `SELECT end_step, end_time_ms, end_value, end_is_nan FROM metric_rollups WHERE series_id = ?
      ORDER BY end_step DESC, end_time_ms DESC, end_value DESC, end_is_nan DESC LIMIT 1`,
    [seriesId],
  );
  if (!row) return null;
  const { end_step: step, end_time_ms: timeMs, end_value: value } = row;
  return { step, timeMs, value, isNan: row.end_is_nan === 1 };
}

async function addRollups(tx: Tx, db: Database, seriesId: number): Promise<void> {
  // On Postgres, whoever adds points holds this lock when it deletes the rows that they make wrong.
  if (db.dialect === 'postgres') {
    await statements(tx).all('SELECT id FROM metric_series WHERE id = ? FOR UPDATE', [seriesId]);
  }
  let end = await rollupEnd(tx, seriesId);
  for (let made = 0; made < rowsPerWrite; made++) {
    const points = await pointsBetween(tx, seriesId, end, {}, pointsPerRow);
    const last = points.at(-1);
    if (!last || points.length < pointsPerRow) return;
    const chunks = partsOf(pieces(points), pointsPerRow / pointsPerChunk);
    await statements(tx).all(
      `INSERT INTO metric_rollups (series_id, end_step, end_time_ms, end_value, end_is_nan, chunks)
        VALUES (?, ?, ?, ?, ?, ?)`,
      [
        seriesId,
        last.step,
        last.timeMs,
        last.value,
        last.isNan ? 1 : 0,
        new Uint8Array(encoded(chunks).buffer),
      ],
    );
    end = last;
  }
}

/** Deletes the rows of a series that do not hold any more once a point has come in, on SQLite. */
export function dropRollups(sqlite: SqliteStatements, seriesId: number, point: MetricPoint): void {
  sqlite.run(
    `DELETE FROM metric_rollups WHERE series_id = ?
      AND (end_step, end_time_ms, end_value, end_is_nan) > (?, ?, ?, ?)`,
    ...[seriesId, point.step, point.timeMs, point.value, point.isNan ? 1 : 0],
  );
}

import {
  type DialectName,
  type SqliteStatements,
  sqliteStatements,
  statements,
  type Tx,
} from '../../../platform/db/index.ts';
import type { MetricPoint } from '../metric-point.ts';

interface SeriesPoints {
  readonly seriesId: number;
  /** Ascending by step, time and value. */
  readonly points: readonly MetricPoint[];
}

/**
 * Inserts points, given in the order of their series' ids (so that two writers never wait for each other).
 *
 * @returns those that were not there yet
 */
export async function insertPoints(
  tx: Tx,
  dialect: DialectName,
  series: readonly SeriesPoints[],
): Promise<readonly SeriesPoints[]> {
  return dialect === 'postgres' ? insertOnPostgres(tx, series) : insertOnSqlite(tx, series);
}

function insertOnSqlite(tx: Tx, series: readonly SeriesPoints[]): readonly SeriesPoints[] {
  const sqlite = sqliteStatements(tx);
  if (!sqlite) throw new Error('not SQLite');
  return series.map(({ seriesId, points }) => ({ seriesId, points: putPoints(sqlite, seriesId, points) }));
}

/** Inserts points of one series at once, and gives those that were not there. */
export function putPoints(
  sqlite: SqliteStatements,
  seriesId: number,
  points: readonly MetricPoint[],
): readonly MetricPoint[] {
  const text =
    'INSERT OR IGNORE INTO metric_points (series_id, step, time_ms, value, is_nan) VALUES (?, ?, ?, ?, ?)';
  return points.filter(
    ({ step, timeMs, value, isNan }) => sqlite.run(text, seriesId, step, timeMs, value, isNan ? 1 : 0) === 1,
  );
}

async function insertOnPostgres(tx: Tx, series: readonly SeriesPoints[]): Promise<readonly SeriesPoints[]> {
  const rows = series.flatMap(({ seriesId, points }) => points.map((point) => ({ seriesId, point })));
  const added = await statements(tx).all<{
    series_id: number;
    step: number;
    time_ms: number;
    value: number;
    is_nan: number;
  }>(
    `INSERT INTO metric_points (series_id, step, time_ms, value, is_nan)
      SELECT * FROM unnest(?::bigint[], ?::bigint[], ?::bigint[], ?::double precision[], ?::integer[])
      ON CONFLICT DO NOTHING RETURNING series_id, step, time_ms, value, is_nan`,
    [
      rows.map((row) => row.seriesId),
      rows.map((row) => row.point.step),
      rows.map((row) => row.point.timeMs),
      rows.map((row) => row.point.value),
      rows.map((row) => (row.point.isNan ? 1 : 0)),
    ],
  );
  const bySeries = new Map<number, MetricPoint[]>();
  for (const { series_id, step, time_ms, value, is_nan } of added) {
    const points = bySeries.get(series_id) ?? [];
    if (points.length === 0) bySeries.set(series_id, points);
    points.push({ step, timeMs: time_ms, value, isNan: is_nan === 1 });
  }
  return [...bySeries].map(([seriesId, points]) => ({ seriesId, points }));
}

import { type SqlBool, sql } from 'kysely';
import { statements, type Tx } from '../../../platform/db/index.ts';
import { comparePoints, type MetricPoint } from '../metric-point.ts';
import { pointsBetween } from './rollups.ts';
import type { SeriesRow } from './summary.ts';
import { type ExperimentsTables, on } from './tables.ts';

type PointRow = ExperimentsTables['metric_points'];

const toPoint = (row: PointRow): MetricPoint => ({
  step: row.step,
  timeMs: row.time_ms,
  value: row.value,
  isNan: row.is_nan === 1,
});

/** The series of a metric of a run; undefined when the run never logged it. */
export async function findSeries(tx: Tx, runId: string, key: string): Promise<SeriesRow | undefined> {
  const text =
    'SELECT s.* FROM metric_series s JOIN runs r ON r.seq = s.run_seq WHERE r.id = ? AND s.key = ?';
  return (await statements(tx).all<SeriesRow>(text, [runId, key]))[0];
}

/** MLflow's order of a history. */
function compareInHistory(a: MetricPoint, b: MetricPoint): number {
  return a.timeMs - b.timeMs || comparePoints(a, b);
}

/**
 * Points in MLflow's order of a history: by time, step, value. `after` is the last point of the page before.
 *
 * @param isWhole whether the page holds the whole series: then its points are read as they lie, which nearly
 *   always is the order that is wanted
 */
export async function historyPage(
  tx: Tx,
  seriesId: number,
  limit: number | null,
  after: MetricPoint | null,
  isWhole: boolean,
): Promise<readonly MetricPoint[]> {
  if (isWhole && after === null) {
    const points = await pointsBetween(tx, seriesId, null, {});
    const inOrder = points.every(
      (point, i) => i === 0 || compareInHistory(points[i - 1] as MetricPoint, point) < 0,
    );
    return inOrder ? points : [...points].sort(compareInHistory);
  }
  let query = on(tx).selectFrom('metric_points').selectAll().where('series_id', '=', seriesId);
  if (after) {
    const flag = after.isNan ? 1 : 0;
    query = query.where(
      sql<SqlBool>`(time_ms, step, value, is_nan) > (${after.timeMs}, ${after.step}, ${after.value}, ${flag})`,
    );
  }
  query = query.orderBy('time_ms').orderBy('step').orderBy('value').orderBy('is_nan');
  return (await (limit === null ? query : query.limit(limit)).execute()).map(toPoint);
}

import { type RawBuilder, type SqlBool, sql } from 'kysely';
import type { Tx } from '../../../platform/db/index.ts';
import type { MetricPoint } from '../metric-point.ts';
import { type ExperimentsTables, on } from './tables.ts';

type PointRow = ExperimentsTables['metric_points'];

const toPoint = (row: PointRow): MetricPoint => ({
  step: row.step,
  timeMs: row.time_ms,
  value: row.value,
  isNan: row.is_nan === 1,
});

export async function findSeries(
  tx: Tx,
  runId: string,
  key: string,
): Promise<{ readonly id: number; readonly run_seq: number; readonly count: number } | undefined> {
  return on(tx)
    .selectFrom('metric_series as s')
    .innerJoin('runs as r', 'r.seq', 's.run_seq')
    .select(['s.id', 's.run_seq', 's.count'])
    .where('r.id', '=', runId)
    .where('s.key', '=', key)
    .executeTakeFirst();
}

/** Points in MLflow's order of a history: by time, step, value. `after` is the last point of the page before. */
export async function historyPage(
  tx: Tx,
  seriesId: number,
  limit: number | null,
  after: MetricPoint | null,
): Promise<readonly MetricPoint[]> {
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

export interface StepRange {
  readonly startStep: number;
  readonly endStep: number;
}

/**
 * At most `count` real points spread evenly over the history in step order: the first of each of `count`
 * equal parts, with the last point in place of the last part's first.
 */
export async function sampledPoints(
  tx: Tx,
  seriesId: number,
  count: number,
  range: StepRange | null,
): Promise<readonly MetricPoint[]> {
  const order = sql`step, time_ms, value, is_nan`;
  const { rows } = await sql<PointRow>`
    WITH numbered AS (
      SELECT series_id, step, time_ms, value, is_nan,
        ntile(${sql.lit(Math.max(1, Math.trunc(count)))}) OVER (ORDER BY ${order}) AS bucket,
        row_number() OVER (ORDER BY ${order}) AS n,
        count(*) OVER () AS total
      FROM metric_points WHERE series_id = ${seriesId} AND ${inRange(range)}
    ), picked AS (
      SELECT *, row_number() OVER (PARTITION BY bucket ORDER BY n) AS place, max(bucket) OVER () AS buckets
      FROM numbered
    )
    SELECT series_id, step, time_ms, value, is_nan FROM picked
    WHERE (place = 1 AND bucket < buckets) OR n = total
    ORDER BY n`.execute(tx);
  return rows.map(toPoint);
}

export interface BucketRow {
  readonly step: number;
  readonly timeMs: number;
  readonly value: number;
  readonly isNan: boolean;
  readonly min: number | null;
  readonly max: number | null;
  readonly count: number;
}

/** The history in step order cut into at most `buckets` equal parts, each with its last point and extremes. */
export async function bucketedHistory(
  tx: Tx,
  seriesId: number,
  buckets: number,
): Promise<readonly BucketRow[]> {
  const order = sql`step, time_ms, value, is_nan`;
  const { rows } = await sql<PointRow & { min: number | null; max: number | null; points: number }>`
    WITH numbered AS (
      SELECT step, time_ms, value, is_nan,
        ntile(${sql.lit(Math.max(1, Math.trunc(buckets)))}) OVER (ORDER BY ${order}) AS bucket,
        row_number() OVER (ORDER BY ${order}) AS n
      FROM metric_points WHERE series_id = ${seriesId}
    ), summed AS (
      SELECT bucket, max(n) AS n, count(*) AS points,
        min(CASE WHEN is_nan = 0 THEN value END) AS min, max(CASE WHEN is_nan = 0 THEN value END) AS max
      FROM numbered GROUP BY bucket
    )
    SELECT p.step, p.time_ms, p.value, p.is_nan, s.min, s.max, s.points
    FROM summed s JOIN numbered p ON p.n = s.n ORDER BY s.bucket`.execute(tx);
  return rows.map((row) => ({ ...toPoint(row), min: row.min, max: row.max, count: row.points }));
}

function inRange(range: StepRange | null): RawBuilder<SqlBool> {
  return range ? sql<SqlBool>`step BETWEEN ${range.startStep} AND ${range.endStep}` : sql<SqlBool>`1 = 1`;
}

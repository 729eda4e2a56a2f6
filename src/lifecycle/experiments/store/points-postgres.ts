import { statements, type Tx } from '../../../platform/db/index.ts';
import type { MetricPoint } from '../metric-point.ts';
import { insertPoints } from './points.ts';
import { type Summary, sortedPoints, summaryOf } from './summary.ts';

const newer =
  '(s.count = 0 OR (e.ls, e.lt, e.lv, e.ln) > (s.last_step, s.last_time_ms, s.last_value, s.last_is_nan))';
const older =
  '(s.count = 0 OR (e.fs, e.ft, e.fv, e.fn) < (s.first_step, s.first_time_ms, s.first_value, s.first_is_nan))';
const lower = '(s.min_value IS NULL OR (e.mn, e.mns) < (s.min_value, s.min_step))';
const higher = '(s.max_value IS NULL OR e.mx > s.max_value OR (e.mx = s.max_value AND e.mxs < s.max_step))';

/** In halves, because the difference of the greatest numbers is no number. */
const mean = `CASE WHEN e.mean IS NULL THEN s.mean_value WHEN s.mean_value IS NULL THEN e.mean
  ELSE 2 * (s.mean_value / 2 + (e.mean / 2 - s.mean_value / 2)
    * ((e.n - e.nn)::double precision / (s.count - s.nan_count + e.n - e.nn))) END`;

/** Rows are locked in the order of their ids in the one statement that changes them, which is the last. */
const mergeText = `
  WITH e AS (
    SELECT * FROM unnest(?::bigint[], ?::bigint[], ?::bigint[],
      ?::bigint[], ?::bigint[], ?::double precision[], ?::integer[],
      ?::bigint[], ?::bigint[], ?::double precision[], ?::integer[],
      ?::double precision[], ?::bigint[], ?::double precision[], ?::bigint[], ?::double precision[])
      AS e(id, n, nn, ls, lt, lv, ln, fs, ft, fv, fn, mn, mns, mx, mxs, mean)
  ), locked AS MATERIALIZED (
    SELECT id FROM metric_series WHERE id IN (SELECT id FROM e) ORDER BY id FOR NO KEY UPDATE
  )
  UPDATE metric_series AS s SET
    count = s.count + e.n,
    nan_count = s.nan_count + e.nn,
    last_step = CASE WHEN ${newer} THEN e.ls ELSE s.last_step END,
    last_time_ms = CASE WHEN ${newer} THEN e.lt ELSE s.last_time_ms END,
    last_value = CASE WHEN ${newer} THEN e.lv ELSE s.last_value END,
    last_is_nan = CASE WHEN ${newer} THEN e.ln ELSE s.last_is_nan END,
    first_step = CASE WHEN ${older} THEN e.fs ELSE s.first_step END,
    first_time_ms = CASE WHEN ${older} THEN e.ft ELSE s.first_time_ms END,
    first_value = CASE WHEN ${older} THEN e.fv ELSE s.first_value END,
    first_is_nan = CASE WHEN ${older} THEN e.fn ELSE s.first_is_nan END,
    min_value = CASE WHEN ${lower} THEN e.mn ELSE s.min_value END,
    min_step = CASE WHEN ${lower} THEN e.mns ELSE s.min_step END,
    max_value = CASE WHEN ${higher} THEN e.mx ELSE s.max_value END,
    max_step = CASE WHEN ${higher} THEN e.mxs ELSE s.max_step END,
    mean_value = ${mean}
  FROM e, locked WHERE s.id = e.id AND locked.id = e.id`;

/** Roll-ups (rollups.ts) that do not hold any more once these points have come in. */
const dropRollupsText = `
  DELETE FROM metric_rollups AS r
  USING unnest(?::bigint[], ?::bigint[], ?::bigint[], ?::double precision[], ?::integer[]) AS e(id, fs, ft, fv, fn)
  WHERE r.series_id = e.id AND (r.end_step, r.end_time_ms, r.end_value, r.end_is_nan) > (e.fs, e.ft, e.fv, e.fn)`;

/**
 * Adds points to a run's series on Postgres, where other processes may write to the same run. Everything is
 * written in one order (keys, then points, then summaries), so writers wait for each other but never in a circle.
 */
export async function addPointsOnPostgres(
  tx: Tx,
  runSeq: number,
  pointsByKey: ReadonlyMap<string, readonly MetricPoint[]>,
): Promise<void> {
  const ids = await seriesIds(tx, runSeq, [...pointsByKey.keys()].sort());
  const series = [...pointsByKey]
    .map(([key, points]) => ({ seriesId: ids.get(key) ?? -1, points: sortedPoints(points) }))
    .sort((a, b) => a.seriesId - b.seriesId);
  const added = await insertPoints(tx, 'postgres', series);
  if (added.length === 0) return;
  const rows = added.map(({ seriesId, points }) => ({ seriesId, ...summaryOf(sortedPoints(points)) }));
  const column = (name: keyof Summary) => rows.map((row) => row[name]);
  await statements(tx).all(mergeText, [
    rows.map((row) => row.seriesId),
    ...[column('count'), column('nan_count')],
    ...[column('last_step'), column('last_time_ms'), column('last_value'), column('last_is_nan')],
    ...[column('first_step'), column('first_time_ms'), column('first_value'), column('first_is_nan')],
    ...[
      column('min_value'),
      column('min_step'),
      column('max_value'),
      column('max_step'),
      column('mean_value'),
    ],
  ]);
  // After the summaries' rows are locked: whoever makes roll-ups holds the same locks.
  await statements(tx).all(dropRollupsText, [
    rows.map((row) => row.seriesId),
    ...[column('first_step'), column('first_time_ms'), column('first_value'), column('first_is_nan')],
  ]);
}

/** Ids of the series of these keys (sorted), made where missing. */
async function seriesIds(
  tx: Tx,
  runSeq: number,
  keys: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const sql = statements(tx);
  const select = (wanted: readonly string[]) =>
    sql.all<{ id: number; key: string }>(
      'SELECT id, key FROM metric_series WHERE run_seq = ? AND key = ANY(?::text[])',
      [runSeq, wanted],
    );
  const ids = new Map((await select(keys)).map((row) => [row.key, row.id]));
  const missing = keys.filter((key) => !ids.has(key));
  if (missing.length === 0) return ids;
  const made = await sql.all<{ id: number; key: string }>(
    `INSERT INTO metric_series (run_seq, key, count, last_step, last_time_ms, last_value, last_is_nan,
        first_step, first_time_ms, first_value, first_is_nan)
      SELECT ?, key, 0, 0, 0, 0, 0, 0, 0, 0, 0 FROM unnest(?::text[]) AS k(key)
      ON CONFLICT (run_seq, key) DO NOTHING RETURNING id, key`,
    [runSeq, missing],
  );
  for (const row of made) ids.set(row.key, row.id);
  const raced = missing.filter((key) => !ids.has(key));
  if (raced.length > 0) for (const row of await select(raced)) ids.set(row.key, row.id);
  return ids;
}

import { sql } from 'kysely';
import type { DialectName, Tx } from '../../../platform/db/index.ts';
import type { MetricDirection } from '../contract.ts';
import { guessDirection } from '../metric-direction.ts';
import { comparePoints, type MetricPoint } from '../metric-point.ts';
import type { MetricSummaryRecord } from '../records.ts';
import { chunks } from './chunks.ts';
import { statedDirections } from './directions.ts';
import { type ExperimentsTables, grouped, on } from './tables.ts';

type SeriesRow = Omit<ExperimentsTables['metric_series'], 'id'> & { readonly id: number };

/**
 * Adds points to a run's series. A point that is there already (same step, time and value) changes nothing.
 * Summaries are brought up to date from the points that were new.
 */
export async function addPoints(
  tx: Tx,
  dialect: DialectName,
  runSeq: number,
  pointsByKey: ReadonlyMap<string, readonly MetricPoint[]>,
): Promise<void> {
  const ids = await seriesIds(tx, dialect, runSeq, [...pointsByKey.keys()].sort());
  const rows: (readonly number[])[] = [];
  for (const [key, points] of pointsByKey) {
    const id = ids.get(key);
    if (id === undefined) throw new Error(`no series for metric ${key}`);
    for (const p of points) rows.push([id, p.step, p.timeMs, p.value, p.isNan ? 1 : 0]);
  }
  const added = await insertPoints(tx, dialect, rows);
  if (added.length === 0) return;
  const perSeries = grouped(
    added,
    (row) => row.series_id,
    (row) => ({ step: row.step, timeMs: row.time_ms, value: row.value, isNan: row.is_nan === 1 }),
  );
  await mergeSummaries(tx, dialect, perSeries);
}

/** Ids of the series of these keys (sorted), made where missing. Locked in key order on Postgres. */
async function seriesIds(
  tx: Tx,
  dialect: DialectName,
  runSeq: number,
  keys: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const select = async (wanted: readonly string[]) => {
    const query = on(tx)
      .selectFrom('metric_series')
      .select(['id', 'key'])
      .where('run_seq', '=', runSeq)
      .where('key', 'in', wanted)
      .orderBy('key');
    return (dialect === 'postgres' ? query.forUpdate() : query).execute();
  };
  const ids = new Map((await select(keys)).map((row) => [row.key, row.id]));
  const missing = keys.filter((key) => !ids.has(key));
  if (missing.length === 0) return ids;
  const zero = { last_step: 0, last_time_ms: 0, last_value: 0, last_is_nan: 0 };
  const zeroFirst = { first_step: 0, first_time_ms: 0, first_value: 0, first_is_nan: 0 };
  const made = await on(tx)
    .insertInto('metric_series')
    .values(missing.map((key) => ({ run_seq: runSeq, key, count: 0, nan_count: 0, ...zero, ...zeroFirst })))
    .onConflict((c) => c.columns(['run_seq', 'key']).doNothing())
    .returning(['id', 'key'])
    .execute();
  for (const row of made) ids.set(row.key, row.id);
  const raced = missing.filter((key) => !ids.has(key));
  if (raced.length > 0) for (const row of await select(raced)) ids.set(row.key, row.id);
  return ids;
}

/** Inserts rows given as one JSON parameter, and returns those that were not there yet. */
async function insertPoints(
  tx: Tx,
  dialect: DialectName,
  rows: readonly (readonly number[])[],
): Promise<readonly ExperimentsTables['metric_points'][]> {
  const json = JSON.stringify(rows);
  const source =
    dialect === 'sqlite'
      ? sql`SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each(${json}) WHERE true`
      : sql`SELECT (v ->> 0)::bigint, (v ->> 1)::bigint, (v ->> 2)::bigint, (v ->> 3)::double precision, (v ->> 4)::integer
          FROM jsonb_array_elements(${json}::jsonb) AS e(v)`;
  const { rows: added } = await sql<ExperimentsTables['metric_points']>`
    INSERT INTO metric_points (series_id, step, time_ms, value, is_nan) ${source}
    ON CONFLICT DO NOTHING RETURNING series_id, step, time_ms, value, is_nan`.execute(tx);
  return added;
}

/** One conditional update for all series: the newest point wins `last`, the oldest `first`. */
async function mergeSummaries(
  tx: Tx,
  dialect: DialectName,
  added: ReadonlyMap<number, readonly MetricPoint[]>,
): Promise<void> {
  const rows = [...added].map(([id, points]) => {
    const c = summaryOf(points);
    const flat = (p: MetricPoint) => [p.step, p.timeMs, p.value, p.isNan ? 1 : 0];
    const { min, max, minStep, maxStep } = c;
    return [
      id,
      c.count,
      ...flat(c.last),
      ...flat(c.first),
      min,
      max,
      minStep,
      maxStep,
      c.halfMean,
      c.nanCount,
    ];
  });
  const json = JSON.stringify(rows);
  const columns = 'id n ls lt lv ln fs ft fv fn mn mx mns mxs hm nn'.split(' ');
  const isReal = (column: string): boolean => ['lv', 'fv', 'mn', 'mx', 'hm'].includes(column);
  const fields = columns.map((column, i) =>
    dialect === 'sqlite'
      ? sql`value ->> ${sql.lit(i)} AS ${sql.ref(column)}`
      : sql`(value ->> ${sql.lit(i)})::${sql.raw(isReal(column) ? 'double precision' : 'bigint')} AS ${sql.ref(column)}`,
  );
  const source =
    dialect === 'sqlite' ? sql`json_each(${json})` : sql`jsonb_array_elements(${json}::jsonb) AS j(value)`;
  const newer = sql`(s.count = 0 OR (e.ls, e.lt, e.lv) > (s.last_step, s.last_time_ms, s.last_value))`;
  const older = sql`(s.count = 0 OR (e.fs, e.ft, e.fv) < (s.first_step, s.first_time_ms, s.first_value))`;
  const lower = sql`(s.min_value IS NULL OR e.mn < s.min_value OR (e.mn = s.min_value AND e.mns < s.min_step))`;
  const higher = sql`(s.max_value IS NULL OR e.mx > s.max_value OR (e.mx = s.max_value AND e.mxs < s.max_step))`;
  const share = sql`(CAST(e.n - e.nn AS DOUBLE PRECISION) / (s.count - s.nan_count + e.n - e.nn))`;
  await sql`
    UPDATE metric_series AS s SET
      count = s.count + e.n,
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
      mean_value = CASE WHEN e.hm IS NULL THEN s.mean_value WHEN s.mean_value IS NULL THEN e.hm * 2
        ELSE 2 * (s.mean_value / 2 + (e.hm - s.mean_value / 2) * ${share}) END,
      nan_count = s.nan_count + e.nn
    FROM (SELECT ${sql.join(fields)} FROM ${source}) AS e
    WHERE s.id = e.id`.execute(tx);
}

/** What new points (at least one) bring to the summary of their series. */
function summaryOf(points: readonly MetricPoint[]) {
  const sorted = [...points].sort(comparePoints);
  const [first, last] = [sorted[0], sorted.at(-1)];
  if (!first || !last) throw new Error('a series without new points');
  let min: MetricPoint | null = null;
  let max: MetricPoint | null = null;
  let halfMean: number | null = null;
  let numbers = 0;
  for (const point of sorted) {
    if (point.isNan) continue;
    numbers++;
    if (min === null || point.value < min.value) min = point;
    if (max === null || point.value > max.value) max = point;
    // Halves, because the difference of the greatest numbers is no number.
    halfMean = halfMean === null ? point.value / 2 : halfMean + (point.value / 2 - halfMean) / numbers;
  }
  return {
    first,
    last,
    count: points.length,
    nanCount: points.length - numbers,
    min: min?.value ?? null,
    minStep: min?.step ?? null,
    max: max?.value ?? null,
    maxStep: max?.step ?? null,
    halfMean,
  };
}

/** Summaries of the metrics of these runs, by run and in the order of their keys. */
export async function summariesOfRuns(
  tx: Tx,
  runs: readonly { readonly seq: number; readonly experiment_id: number }[],
): Promise<ReadonlyMap<number, MetricSummaryRecord[]>> {
  const rows: SeriesRow[] = [];
  for (const chunk of chunks(runs.map((run) => run.seq))) {
    const query = on(tx).selectFrom('metric_series').selectAll().where('run_seq', 'in', chunk);
    rows.push(...(await query.where('count', '>', 0).orderBy('key').execute()));
  }
  const experimentOf = new Map(runs.map((run) => [run.seq, run.experiment_id]));
  const stated = rows.length === 0 ? null : await statedDirections(tx, [...new Set(experimentOf.values())]);
  const guesses = new Map<string, MetricDirection>();
  const guessOf = (key: string): MetricDirection => {
    const guess = guesses.get(key) ?? guessDirection(key);
    guesses.set(key, guess);
    return guess;
  };
  return grouped(
    rows,
    (row) => row.run_seq,
    (row) => {
      const said = stated?.get(experimentOf.get(row.run_seq) ?? -1)?.get(row.key);
      const direction = said ?? guessOf(row.key);
      return {
        key: row.key,
        count: row.count,
        last: {
          step: row.last_step,
          timeMs: row.last_time_ms,
          value: row.last_value,
          isNan: row.last_is_nan === 1,
        },
        first: {
          step: row.first_step,
          timeMs: row.first_time_ms,
          value: row.first_value,
          isNan: row.first_is_nan === 1,
        },
        min: row.min_value,
        max: row.max_value,
        mean: row.mean_value,
        best: direction === 'minimize' ? row.min_value : row.max_value,
        bestStep: direction === 'minimize' ? row.min_step : row.max_step,
        direction,
        isDirectionGuessed: said === undefined,
      };
    },
  );
}

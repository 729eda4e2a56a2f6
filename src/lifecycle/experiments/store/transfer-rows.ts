import { type SqlBool, sql } from 'kysely';
import type { DialectName, Tx } from '../../../platform/db/index.ts';
import type { MetricPoint } from '../metric-point.ts';
import type { LoggedModelRow } from './logged-models.ts';
import type { RunRow } from './runs.ts';
import { type ExperimentsTables, on } from './tables.ts';

/**
 * Adds an experiment under a given id, or under the next free one for null. Null when the id is taken; the caller
 * has made sure that the name is free.
 */
export async function placeExperiment(
  tx: Tx,
  dialect: DialectName,
  row: Omit<ExperimentsTables['experiments'], 'id'>,
  id: number | null,
): Promise<number | null> {
  const inserted = await on(tx)
    .insertInto('experiments')
    .values(id === null ? row : { ...row, id })
    .onConflict((c) => c.column('id').doNothing())
    .returning('id')
    .executeTakeFirst();
  if (!inserted) return null;
  // An id that was given leaves the sequence of Postgres where it was.
  if (id !== null && dialect === 'postgres') {
    await sql`SELECT setval(pg_get_serial_sequence('experiments', 'id'),
      (SELECT greatest(max(id), 1) FROM experiments))`.execute(tx);
  }
  return inserted.id;
}

/** Whether an experiment has a run in any stage. */
export async function hasRuns(tx: Tx, experimentId: number): Promise<boolean> {
  const query = on(tx).selectFrom('runs').select('id').where('experiment_id', '=', experimentId);
  return (await query.limit(1).executeTakeFirst()) !== undefined;
}

/** Changes any column of a run that an import made. */
export async function rewriteRun(tx: Tx, seq: number, row: Omit<RunRow, 'seq' | 'id'>): Promise<void> {
  await on(tx).updateTable('runs').set(row).where('seq', '=', seq).execute();
}

/** Removes params, tags, inputs and links to models of a run, so that they can be written anew. */
export async function clearRunDetails(tx: Tx, seq: number): Promise<void> {
  const details = ['run_params', 'run_tags', 'run_datasets', 'run_dataset_tags', 'run_models'] as const;
  for (const table of details) await on(tx).deleteFrom(table).where('run_seq', '=', seq).execute();
}

/** Removes a logged model with its params, tags and metrics, so that it can be written anew. */
export async function clearLoggedModel(tx: Tx, id: string): Promise<void> {
  const details = ['logged_model_params', 'logged_model_tags', 'logged_model_metrics'] as const;
  for (const table of details) await on(tx).deleteFrom(table).where('model_id', '=', id).execute();
  await on(tx).deleteFrom('logged_models').where('id', '=', id).execute();
}

/** Runs in any stage by id, in the order of their ids; unknown ones are left out. */
export async function runRowsById(tx: Tx, ids: readonly string[]): Promise<readonly RunRow[]> {
  if (ids.length === 0) return [];
  return on(tx).selectFrom('runs').selectAll().where('id', 'in', ids).orderBy('id').execute();
}

/** Runs of an experiment in any stage, by id. */
export async function runRowsAfter(
  tx: Tx,
  experimentId: number,
  afterId: string,
  limit: number,
): Promise<readonly RunRow[]> {
  const query = on(tx).selectFrom('runs').selectAll().where('experiment_id', '=', experimentId);
  return query.where('id', '>', afterId).orderBy('id').limit(limit).execute();
}

/** Logged models in any stage by id, in the order of their ids; unknown ones are left out. */
export async function modelRowsById(tx: Tx, ids: readonly string[]): Promise<readonly LoggedModelRow[]> {
  if (ids.length === 0) return [];
  return on(tx).selectFrom('logged_models').selectAll().where('id', 'in', ids).orderBy('id').execute();
}

/** Logged models of an experiment in any stage, by id. */
export async function modelRowsAfter(
  tx: Tx,
  experimentId: number,
  afterId: string,
  limit: number,
): Promise<readonly LoggedModelRow[]> {
  const query = on(tx).selectFrom('logged_models').selectAll().where('experiment_id', '=', experimentId);
  return query.where('id', '>', afterId).orderBy('id').limit(limit).execute();
}

/** The metrics of a run that have points, by key. */
export async function seriesOfRun(
  tx: Tx,
  runSeq: number,
): Promise<readonly { readonly id: number; readonly key: string }[]> {
  const query = on(tx).selectFrom('metric_series').select(['id', 'key']).where('run_seq', '=', runSeq);
  return query.where('count', '>', 0).orderBy('key').execute();
}

/** Points of a series in the order in which they lie: by step, time, value, NaN flag. */
export async function pointsAfter(
  tx: Tx,
  seriesId: number,
  after: MetricPoint | null,
  limit: number,
): Promise<readonly ExperimentsTables['metric_points'][]> {
  let query = on(tx).selectFrom('metric_points').selectAll().where('series_id', '=', seriesId);
  if (after) {
    const flag = after.isNan ? 1 : 0;
    query = query.where(
      sql<SqlBool>`(step, time_ms, value, is_nan) > (${after.step}, ${after.timeMs}, ${after.value}, ${flag})`,
    );
  }
  query = query.orderBy('step').orderBy('time_ms').orderBy('value').orderBy('is_nan');
  return query.limit(limit).execute();
}

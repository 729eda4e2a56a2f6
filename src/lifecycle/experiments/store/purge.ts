import { sql } from 'kysely';
import type { Tx } from '../../../platform/db/index.ts';
import { deleteTraceRows } from '../traces/store/traces.ts';
import { deleteArtifacts } from './artifacts.ts';
import { on } from './tables.ts';
import { onTrash, type TrashKind, takeOutOfTrash } from './trash.ts';

/** Which part of the trash is purged. */
export interface PurgeScope {
  readonly deletedBeforeMs: number;
  /** Null: everything. */
  readonly experimentIds: readonly number[] | null;
}

export interface DueExperiment {
  readonly id: number;
  readonly artifactLocation: string;
}
export interface DueRun {
  readonly seq: number;
  readonly id: string;
  readonly artifactUri: string;
}
interface DueModel {
  readonly id: string;
  readonly artifactUri: string;
}

const scopeSql = (scope: PurgeScope) =>
  scope.experimentIds === null
    ? sql`1 = 1`
    : sql`t.experiment_id IN (${sql.join([...scope.experimentIds, -1])})`;

/** What a row `x` of a table is due by: its own place in the trash, or its experiment's. */
const isDue = (kind: TrashKind, scope: PurgeScope) => sql`EXISTS (
  SELECT 1 FROM experiments_trash t WHERE t.deleted_at_ms <= ${scope.deletedBeforeMs} AND ${scopeSql(scope)}
    AND ((t.kind = ${kind} AND t.id = x.id) OR (t.kind = 'experiment' AND t.experiment_id = x.experiment_id)))
  AND x.lifecycle_stage = 'deleted'`;

const experimentIsDue = (scope: PurgeScope) => sql`x.lifecycle_stage = 'deleted' AND x.id <> 0 AND EXISTS (
  SELECT 1 FROM experiments_trash t WHERE t.kind = 'experiment' AND t.experiment_id = x.id
    AND t.deleted_at_ms <= ${scope.deletedBeforeMs} AND ${scopeSql(scope)})`;

/** Those of a deleted experiment are due too, which are not deleted one by one. */
const modelIsDue = (scope: PurgeScope) => sql`EXISTS (
  SELECT 1 FROM experiments_trash t WHERE t.deleted_at_ms <= ${scope.deletedBeforeMs} AND ${scopeSql(scope)}
    AND ((t.kind = 'logged-model' AND t.id = x.id AND x.lifecycle_stage = 'deleted')
      OR (t.kind = 'experiment' AND t.experiment_id = x.experiment_id)))`;

/** Deleted experiments that are due, by id. The default experiment, 0, never is. */
export async function dueExperiments(tx: Tx, scope: PurgeScope): Promise<readonly DueExperiment[]> {
  const { rows } = await sql<DueExperiment>`
    SELECT x.id AS "id", x.artifact_location AS "artifactLocation" FROM experiments x
    WHERE ${experimentIsDue(scope)} ORDER BY x.id`.execute(tx);
  return rows;
}

/**
 * Whether one of those that were found to be due is so still: somebody may have brought it back.
 *
 * @param id of an experiment or a logged model; the `seq` of a run
 */
export async function isStillDue(
  tx: Tx,
  kind: TrashKind,
  id: number | string,
  scope: PurgeScope,
): Promise<boolean> {
  const row = {
    experiment: sql`experiments x WHERE x.id = ${id} AND ${experimentIsDue(scope)}`,
    run: sql`runs x WHERE x.seq = ${id} AND ${isDue('run', scope)}`,
    'logged-model': sql`logged_models x WHERE x.id = ${id} AND ${modelIsDue(scope)}`,
  }[kind];
  return (await sql`SELECT 1 FROM ${row}`.execute(tx)).rows.length > 0;
}

/**
 * Deleted runs that are due, by themselves or with their experiment, in the order of `seq`, behind
 * `afterSeq`.
 */
export async function dueRuns(
  tx: Tx,
  scope: PurgeScope,
  afterSeq: number,
  limit: number,
): Promise<readonly DueRun[]> {
  const { rows } = await sql<DueRun>`
    SELECT x.seq AS "seq", x.id AS "id", x.artifact_uri AS "artifactUri" FROM runs x
    WHERE x.seq > ${afterSeq} AND ${isDue('run', scope)} ORDER BY x.seq LIMIT ${limit}`.execute(tx);
  return rows;
}

/** Logged models that are due, by themselves or with their experiment, in the order of their ids, behind `afterId`. */
export async function dueModels(
  tx: Tx,
  scope: PurgeScope,
  afterId: string,
  limit: number,
): Promise<readonly DueModel[]> {
  const { rows } = await sql<DueModel>`
    SELECT x.id AS "id", x.artifact_uri AS "artifactUri" FROM logged_models x
    WHERE x.id > ${afterId} AND ${modelIsDue(scope)} ORDER BY x.id LIMIT ${limit}`.execute(tx);
  return rows;
}

/** Some of the traces of an experiment, in no order: whoever purges asks again until there is none. */
export async function traceIdsOfExperiment(
  tx: Tx,
  experimentId: number,
  limit: number,
): Promise<readonly string[]> {
  const { rows } = await sql<{ id: string }>`
    SELECT id FROM traces WHERE experiment_id = ${experimentId} LIMIT ${limit}`.execute(tx);
  return rows.map((row) => row.id);
}

export async function countTraces(tx: Tx, experimentId: number): Promise<number> {
  const { rows } = await sql<{ n: number }>`
    SELECT count(*) AS n FROM traces WHERE experiment_id = ${experimentId}`.execute(tx);
  return rows[0]?.n ?? 0;
}

/** How many files lie in a folder of our artifact store, and their bytes. */
export async function sizeOfFolder(
  tx: Tx,
  folder: string,
): Promise<{ readonly files: number; readonly bytes: number }> {
  const row = await on(tx)
    .selectFrom('artifacts')
    .select((e) => [e.fn.countAll<number>().as('files'), sql<number | null>`sum(size_bytes)`.as('bytes')])
    .where('path', '>', `${folder}/`)
    .where('path', '<', `${folder}0`)
    .executeTakeFirst();
  return { files: Number(row?.files ?? 0), bytes: Number(row?.bytes ?? 0) };
}

/** Notes that there is no way back for an experiment that is purged now. */
export async function beginPurge(tx: Tx, experimentId: number): Promise<void> {
  await onTrash(tx)
    .updateTable('experiments_trash')
    .set({ is_purging: 1 })
    .where('kind', '=', 'experiment')
    .where('experiment_id', '=', experimentId)
    .execute();
}

/**
 * The same of a run. One that was deleted with its experiment has a place of its own in the trash from then on: it does
 * not come back in part with that.
 */
export async function beginPurgeOfRun(tx: Tx, runId: string): Promise<void> {
  await sql`INSERT INTO experiments_trash (kind, id, experiment_id, deleted_at_ms, deleted_by, is_purging)
    SELECT 'run', x.id, x.experiment_id, t.deleted_at_ms, t.deleted_by, 1
    FROM runs x JOIN experiments_trash t ON t.kind = 'experiment' AND t.experiment_id = x.experiment_id
    WHERE x.id = ${runId} ON CONFLICT (kind, id) DO NOTHING`.execute(tx);
  await onTrash(tx)
    .updateTable('experiments_trash')
    .set({ is_purging: 1 })
    .where('kind', '=', 'run')
    .where('id', '=', runId)
    .execute();
}

/** Removes some of a run's points. False when none is left. */
export async function deletePoints(tx: Tx, runSeq: number, limit: number): Promise<boolean> {
  const { numAffectedRows } = await sql`
    DELETE FROM metric_points WHERE (series_id, step, time_ms, value, is_nan) IN (
      SELECT p.series_id, p.step, p.time_ms, p.value, p.is_nan FROM metric_series s
      JOIN metric_points p ON p.series_id = s.id WHERE s.run_seq = ${runSeq} LIMIT ${limit})`.execute(tx);
  return (numAffectedRows ?? 0n) > 0n;
}

/** Removes what is left of a run, and the files of a folder, in one go. */
export async function deleteRun(tx: Tx, run: DueRun, folder: string | null): Promise<void> {
  // Points may have come out of the run's tail in the meantime.
  for (const table of ['metric_points', 'metric_rollups'] as const) {
    await sql`DELETE FROM ${sql.table(table)} WHERE series_id IN (
      SELECT id FROM metric_series WHERE run_seq = ${run.seq})`.execute(tx);
  }
  for (const table of [
    'metric_unsummed',
    'metric_tail',
    'metric_series',
    'run_params',
    'run_tags',
    'run_dataset_tags',
    'run_datasets',
    'run_models',
  ] as const) {
    await on(tx).deleteFrom(table).where('run_seq', '=', run.seq).execute();
  }
  await sql`DELETE FROM trace_runs WHERE run_id = ${run.id}`.execute(tx);
  if (folder !== null) await deleteArtifacts(tx, folder);
  await on(tx).deleteFrom('runs').where('seq', '=', run.seq).execute();
  await takeOutOfTrash(tx, 'run', run.id);
}

/**
 * Removes a logged model with everything about it, and the files of a folder (null: none of ours), in one
 * go.
 */
export async function deleteModel(tx: Tx, model: DueModel, folder: string | null): Promise<void> {
  for (const table of [
    'logged_model_params',
    'logged_model_tags',
    'logged_model_metrics',
    'run_models',
  ] as const) {
    await on(tx).deleteFrom(table).where('model_id', '=', model.id).execute();
  }
  if (folder !== null) await deleteArtifacts(tx, folder);
  await on(tx).deleteFrom('logged_models').where('id', '=', model.id).execute();
  await takeOutOfTrash(tx, 'logged-model', model.id);
}

/** Removes traces, with the folders that their clients put spans into. */
export async function deleteTraces(tx: Tx, ids: readonly string[], root: string | null): Promise<void> {
  await deleteTraceRows(tx, ids);
  if (root !== null) for (const id of ids) await deleteArtifacts(tx, `${root}/traces/${id}`);
}

/** Removes an experiment that holds nothing any more. */
export async function deleteExperiment(tx: Tx, id: number): Promise<void> {
  for (const table of ['input_datasets', 'metric_directions', 'experiment_tags', 'run_columns'] as const) {
    await on(tx).deleteFrom(table).where('experiment_id', '=', id).execute();
  }
  await on(tx).deleteFrom('experiments').where('id', '=', id).execute();
  await onTrash(tx).deleteFrom('experiments_trash').where('experiment_id', '=', id).execute();
}

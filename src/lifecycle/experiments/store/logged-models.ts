import { sql } from 'kysely';
import type { Tx } from '../../../platform/db/index.ts';
import type { LoggedModelStatus } from '../contract.ts';
import { type MetricInput, toPoint } from '../metric-point.ts';
import type { LoggedModelRecord } from '../records.ts';
import type { Tag } from '../validation.ts';
import { chunks } from './chunks.ts';
import { type ExperimentsTables, grouped, lastByKey, on } from './tables.ts';

export type LoggedModelRow = ExperimentsTables['logged_models'];

export async function insertLoggedModel(tx: Tx, row: LoggedModelRow): Promise<void> {
  await on(tx).insertInto('logged_models').values(row).execute();
}

/** A model by id; deleted ones too. */
export async function findLoggedModelRow(tx: Tx, id: string): Promise<LoggedModelRow | undefined> {
  return on(tx).selectFrom('logged_models').selectAll().where('id', '=', id).executeTakeFirst();
}

/** Changes a logged model; one that is not there is no error, so callers read it before. */
export async function updateLoggedModel(
  tx: Tx,
  id: string,
  change: {
    readonly status?: LoggedModelStatus;
    readonly lifecycle_stage?: 'active' | 'deleted';
    readonly updated_at_ms: number;
  },
): Promise<void> {
  await on(tx).updateTable('logged_models').set(change).where('id', '=', id).execute();
}

/** Models that a run logged: those it is the source of and those it names as outputs, oldest first. */
export async function loggedModelRowsOfRun(
  tx: Tx,
  run: { readonly id: string; readonly seq: number },
): Promise<readonly LoggedModelRow[]> {
  return on(tx)
    .selectFrom('logged_models as m')
    .selectAll('m')
    .where('m.lifecycle_stage', '=', 'active')
    .where((e) =>
      e.or([
        e('m.source_run_id', '=', run.id),
        e(
          'm.id',
          'in',
          e
            .selectFrom('run_models')
            .select('model_id')
            .where('run_seq', '=', run.seq)
            .where('direction', '=', 'output'),
        ),
      ]),
    )
    .orderBy('m.created_at_ms')
    .orderBy('m.id')
    .execute();
}

/** Adds params. Returns the keys that are there already; the caller then throws. */
export async function addModelParams(
  tx: Tx,
  modelId: string,
  params: readonly Tag[],
): Promise<readonly string[]> {
  if (params.length === 0) return [];
  const added = await on(tx)
    .insertInto('logged_model_params')
    .values(lastByKey(params).map(({ key, value }) => ({ model_id: modelId, key, value })))
    .onConflict((c) => c.columns(['model_id', 'key']).doNothing())
    .returning('key')
    .execute();
  const done = new Set(added.map((row) => row.key));
  return params.map((p) => p.key).filter((key) => !done.has(key));
}

/** Sets tags; of a key that is given twice, the last value counts. */
export async function setModelTags(tx: Tx, modelId: string, tags: readonly Tag[]): Promise<void> {
  if (tags.length === 0) return;
  await on(tx)
    .insertInto('logged_model_tags')
    .values(lastByKey(tags).map(({ key, value }) => ({ model_id: modelId, key, value })))
    .onConflict((c) => c.columns(['model_id', 'key']).doUpdateSet({ value: sql`excluded.value` }))
    .execute();
}

/** False when there is no such tag. */
export async function deleteModelTag(tx: Tx, modelId: string, key: string): Promise<boolean> {
  const result = await on(tx)
    .deleteFrom('logged_model_tags')
    .where('model_id', '=', modelId)
    .where('key', '=', key)
    .executeTakeFirst();
  return result.numDeletedRows > 0n;
}

/** Values that a run logged about models; one that is there already stays. */
export async function addModelMetrics(tx: Tx, runId: string, metrics: readonly MetricInput[]): Promise<void> {
  const rows = metrics.flatMap((metric) => {
    if (metric.modelId === undefined) return [];
    const point = toPoint(metric);
    return {
      model_id: metric.modelId,
      key: metric.key,
      time_ms: point.timeMs,
      step: point.step,
      run_id: runId,
      value: point.value,
      dataset_name: metric.datasetName ?? null,
      dataset_digest: metric.datasetDigest ?? null,
    };
  });
  for (const chunk of chunks(rows, 2000)) {
    await on(tx)
      .insertInto('logged_model_metrics')
      .values(chunk)
      .onConflict((c) => c.columns(['model_id', 'key', 'time_ms', 'step', 'run_id']).doNothing())
      .execute();
  }
}

/** Whole models, in the order of the rows. */
export async function hydrateModels(
  tx: Tx,
  rows: readonly LoggedModelRow[],
): Promise<readonly LoggedModelRecord[]> {
  if (rows.length === 0) return [];
  const ids = rows.map((row) => row.id);
  const tagOf = ({ key, value }: Tag): Tag => ({ key, value });
  const idOf = (row: { readonly model_id: string }): string => row.model_id;
  const select = (table: 'logged_model_params' | 'logged_model_tags') =>
    on(tx).selectFrom(table).selectAll().where('model_id', 'in', ids).orderBy('key').execute();
  const params = grouped(await select('logged_model_params'), idOf, tagOf);
  const tags = grouped(await select('logged_model_tags'), idOf, tagOf);
  const metricRows = await on(tx)
    .selectFrom('logged_model_metrics')
    .selectAll()
    .where('model_id', 'in', ids)
    .orderBy('key')
    .orderBy('time_ms')
    .orderBy('step')
    .execute();
  const metrics = grouped(metricRows, idOf, (row) => ({
    key: row.key,
    value: row.value,
    step: row.step,
    timeMs: row.time_ms,
    runId: row.run_id,
    datasetName: row.dataset_name,
    datasetDigest: row.dataset_digest,
  }));
  return rows.map((row) => ({
    id: row.id,
    experimentId: String(row.experiment_id),
    name: row.name,
    artifactUri: row.artifact_uri,
    modelType: row.model_type,
    // MLflow's clients send an empty text for a model that is logged outside a run.
    sourceRunId: row.source_run_id || null,
    status: row.status,
    lifecycleStage: row.lifecycle_stage,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
    params: params.get(row.id) ?? [],
    tags: tags.get(row.id) ?? [],
    metrics: metrics.get(row.id) ?? [],
  }));
}

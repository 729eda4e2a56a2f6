import { sql } from 'kysely';
import { statements, type Tx } from '../../../platform/db/index.ts';
import { joinUri } from '../artifact-path.ts';
import type { LifecycleStage } from '../contract.ts';
import type { ExperimentRecord } from '../records.ts';
import type { Tag } from '../validation.ts';
import { type ExperimentsTables, grouped, lastByKey, on } from './tables.ts';

type ExperimentRow = Omit<ExperimentsTables['experiments'], 'id'> & { readonly id: number };

interface NewExperiment {
  readonly name: string;
  /** Null: the new id below the default root. */
  readonly artifactLocation: string | null;
  readonly defaultRoot: string;
  readonly tags: readonly Tag[];
  readonly nowMs: number;
}

/** Adds an experiment; null when the name is taken (by a deleted experiment too). */
export async function insertExperiment(tx: Tx, input: NewExperiment): Promise<number | null> {
  const row = await on(tx)
    .insertInto('experiments')
    .values({
      name: input.name,
      artifact_location: input.artifactLocation ?? '',
      lifecycle_stage: 'active',
      created_at_ms: input.nowMs,
      updated_at_ms: input.nowMs,
    })
    .onConflict((c) => c.column('name').doNothing())
    .returning('id')
    .executeTakeFirst();
  if (!row) return null;
  if (input.artifactLocation === null) {
    await updateExperiment(tx, row.id, { artifact_location: joinUri(input.defaultRoot, String(row.id)) });
  }
  for (const tag of lastByKey(input.tags)) await setExperimentTag(tx, row.id, tag);
  return row.id;
}

/** Gives the experiment that is there from the start its artifact root, unless something was logged to it. */
export async function placeDefaultExperiment(tx: Tx, artifactLocation: string): Promise<void> {
  await on(tx)
    .updateTable('experiments')
    .set({ artifact_location: artifactLocation })
    .where('id', '=', 0)
    .where('artifact_location', '=', 'mlflow-artifacts:/0')
    .where((e) => e.not(e.exists(e.selectFrom('runs').select('seq').where('experiment_id', '=', 0))))
    .where((e) => e.not(e.exists(e.selectFrom('logged_models').select('id').where('experiment_id', '=', 0))))
    .execute();
}

/** Changes an experiment. False when the new name is taken. */
export async function updateExperiment(
  tx: Tx,
  id: number,
  change: Partial<Pick<ExperimentRow, 'name' | 'lifecycle_stage' | 'updated_at_ms' | 'artifact_location'>>,
): Promise<boolean> {
  if (change.name !== undefined) {
    const holder = await on(tx)
      .selectFrom('experiments')
      .select('id')
      .where('name', '=', change.name)
      .executeTakeFirst();
    if (holder && holder.id !== id) return false;
  }
  await on(tx).updateTable('experiments').set(change).where('id', '=', id).execute();
  return true;
}

/**
 * An experiment in any stage. Names are compared exactly; a deleted experiment may have given its name up.
 */
export async function findExperiment(
  tx: Tx,
  by: { readonly id: number } | { readonly name: string },
): Promise<ExperimentRecord | undefined> {
  const sql = statements(tx);
  const [row] = await ('id' in by
    ? sql.all<ExperimentRow>('SELECT * FROM experiments WHERE id = ?', [by.id])
    : sql.all<ExperimentRow>('SELECT * FROM experiments WHERE name = ?', [by.name]));
  return row && (await withTags(tx, [row]))[0];
}

/** Rows with their tags, in the same order. */
export async function withTags(tx: Tx, rows: readonly ExperimentRow[]): Promise<readonly ExperimentRecord[]> {
  if (rows.length === 0) return [];
  const ids = rows.map((row) => row.id);
  const tagRows = await statements(tx).all<ExperimentsTables['experiment_tags']>(
    `SELECT * FROM experiment_tags WHERE experiment_id IN (${ids.map(() => '?').join(', ')})`,
    ids,
  );
  const tags = grouped(
    tagRows,
    (row) => row.experiment_id,
    ({ key, value }) => ({ key, value }),
  );
  return rows.map((row) => ({
    id: String(row.id),
    name: row.name,
    artifactLocation: row.artifact_location,
    lifecycleStage: row.lifecycle_stage,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
    tags: tags.get(row.id) ?? [],
  }));
}

/** Sets a tag, in place of the value that it has. */
export async function setExperimentTag(tx: Tx, experimentId: number, tag: Tag): Promise<void> {
  await on(tx)
    .insertInto('experiment_tags')
    .values({ experiment_id: experimentId, key: tag.key, value: tag.value })
    .onConflict((c) => c.columns(['experiment_id', 'key']).doUpdateSet({ value: tag.value }))
    .execute();
}

/** False when there is no such tag. */
export async function deleteExperimentTag(tx: Tx, experimentId: number, key: string): Promise<boolean> {
  const result = await on(tx)
    .deleteFrom('experiment_tags')
    .where('experiment_id', '=', experimentId)
    .where('key', '=', key)
    .executeTakeFirst();
  return result.numDeletedRows > 0n;
}

/**
 * Moves all runs of an experiment to a lifecycle stage, as MLflow does with their experiment. One whose purge has begun
 * stays deleted: a part of it is gone.
 */
export async function setStageOfRuns(tx: Tx, experimentId: number, stage: LifecycleStage): Promise<void> {
  await on(tx)
    .updateTable('runs')
    .set({ lifecycle_stage: stage })
    .where('experiment_id', '=', experimentId)
    .where(
      sql<boolean>`NOT EXISTS (SELECT 1 FROM experiments_trash t
        WHERE t.kind = 'run' AND t.id = runs.id AND t.is_purging = 1)`,
    )
    .execute();
}

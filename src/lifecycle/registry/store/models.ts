import { sql } from 'kysely';
import type { Tx } from '../../../platform/db/index.ts';
import type { RegisteredModelRecord, Tag } from '../records.ts';
import { type ModelRow, on } from './tables.ts';

/** Adds a registered model; null when the name is taken. */
export async function insertModel(
  tx: Tx,
  input: {
    readonly name: string;
    readonly description: string;
    readonly isPrompt: boolean;
    readonly nowMs: number;
  },
): Promise<ModelRow | null> {
  const row = await on(tx)
    .insertInto('registered_models')
    .values({
      name: input.name,
      description: input.description,
      is_prompt: input.isPrompt ? 1 : 0,
      last_version: 0,
      previous_champion: null,
      created_at_ms: input.nowMs,
      updated_at_ms: input.nowMs,
    })
    .onConflict((c) => c.column('name').doNothing())
    .returningAll()
    .executeTakeFirst();
  return row ?? null;
}

/** A registered model by its exact name. */
export async function findModelRow(tx: Tx, name: string): Promise<ModelRow | undefined> {
  return on(tx).selectFrom('registered_models').selectAll().where('name', '=', name).executeTakeFirst();
}

/** Touches the model, and so makes other writers of it wait until this transaction ends. */
export async function lockModelRow(tx: Tx, name: string, nowMs: number): Promise<ModelRow | undefined> {
  return on(tx)
    .updateTable('registered_models')
    .set({ updated_at_ms: nowMs })
    .where('name', '=', name)
    .returningAll()
    .executeTakeFirst();
}

/** Changes a model by its id; when it was touched last is set by `lockModelRow`. */
export async function updateModelRow(
  tx: Tx,
  id: number,
  change: Partial<
    Pick<ModelRow, 'name' | 'description' | 'is_prompt' | 'last_version' | 'previous_champion'>
  >,
): Promise<void> {
  await on(tx).updateTable('registered_models').set(change).where('id', '=', id).execute();
}

/** Removes a model with its versions, tags, aliases and their history. */
export async function deleteModelRow(tx: Tx, id: number): Promise<void> {
  const children = [
    'registered_model_tags',
    'model_versions',
    'model_version_tags',
    'model_aliases',
    'model_alias_moves',
    'model_alias_protections',
    'model_changes',
    'model_gate_results',
    'model_approvals',
  ] as const;
  for (const table of children) await on(tx).deleteFrom(table).where('registered_id', '=', id).execute();
  await on(tx).deleteFrom('registered_models').where('id', '=', id).execute();
}

/** The value of a tag; null when there is none. */
export async function modelTag(tx: Tx, id: number, key: string): Promise<string | null> {
  const row = await on(tx)
    .selectFrom('registered_model_tags')
    .select('value')
    .where('registered_id', '=', id)
    .where('key', '=', key)
    .executeTakeFirst();
  return row?.value ?? null;
}

/** Sets a tag, in place of the value that it has. */
export async function setModelTagRow(tx: Tx, id: number, tag: Tag): Promise<void> {
  await on(tx)
    .insertInto('registered_model_tags')
    .values({ registered_id: id, key: tag.key, value: tag.value })
    .onConflict((c) => c.columns(['registered_id', 'key']).doUpdateSet({ value: sql`excluded.value` }))
    .execute();
}

/** Does nothing when the model has no such tag. */
export async function deleteModelTagRow(tx: Tx, id: number, key: string): Promise<void> {
  await on(tx)
    .deleteFrom('registered_model_tags')
    .where('registered_id', '=', id)
    .where('key', '=', key)
    .execute();
}

/** Whole registered models, in the order of the rows. */
export async function hydrateRegisteredModels(
  tx: Tx,
  rows: readonly ModelRow[],
): Promise<readonly RegisteredModelRecord[]> {
  if (rows.length === 0) return [];
  const ids = rows.map((row) => row.id);
  const tags = await on(tx)
    .selectFrom('registered_model_tags')
    .selectAll()
    .where('registered_id', 'in', ids)
    .orderBy('key')
    .execute();
  const aliases = await on(tx)
    .selectFrom('model_aliases')
    .selectAll()
    .where('registered_id', 'in', ids)
    .orderBy('alias')
    .execute();
  return rows.map((row) => ({
    name: row.name,
    description: row.description,
    isPrompt: row.is_prompt === 1,
    aliases: aliases
      .filter((a) => a.registered_id === row.id)
      .map(({ alias, version }) => ({ alias, version })),
    tags: tags.filter((t) => t.registered_id === row.id).map(({ key, value }) => ({ key, value })),
    lastVersion: row.last_version,
    previousChampion: row.previous_champion,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
  }));
}

/** Models by id, in no order; unknown ones are left out. */
export async function modelRowsById(tx: Tx, ids: readonly number[]): Promise<readonly ModelRow[]> {
  if (ids.length === 0) return [];
  return on(tx).selectFrom('registered_models').selectAll().where('id', 'in', ids).execute();
}

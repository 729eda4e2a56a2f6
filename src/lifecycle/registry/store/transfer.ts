import type { Tx } from '../../../platform/db/index.ts';
import type { TransferAliasMove, TransferRegisteredModel, TransferVersion } from '../contract/transfer.ts';
import { type ModelRow, on, type VersionRow } from './tables.ts';

/** Names of registered models and prompts in order, after `afterName`. */
export async function modelRowsAfter(tx: Tx, afterName: string, limit: number): Promise<readonly ModelRow[]> {
  const query = on(tx).selectFrom('registered_models').selectAll().where('name', '>', afterName);
  return query.orderBy('name').limit(limit).execute();
}

/** A registered model whole, with deleted versions. */
export async function readTransferModel(tx: Tx, model: ModelRow): Promise<TransferRegisteredModel> {
  const of = model.id;
  const tags = await on(tx)
    .selectFrom('registered_model_tags')
    .select(['key', 'value'])
    .where('registered_id', '=', of)
    .orderBy('key')
    .execute();
  const aliases = await on(tx)
    .selectFrom('model_aliases')
    .select(['alias', 'version'])
    .where('registered_id', '=', of)
    .orderBy('alias')
    .execute();
  const versions = await on(tx)
    .selectFrom('model_versions')
    .selectAll()
    .where('registered_id', '=', of)
    .orderBy('version')
    .execute();
  const versionTags = await on(tx)
    .selectFrom('model_version_tags')
    .selectAll()
    .where('registered_id', '=', of)
    .orderBy('key')
    .execute();
  const moves = await on(tx)
    .selectFrom('model_alias_moves')
    .selectAll()
    .where('registered_id', '=', of)
    .orderBy('id')
    .execute();
  const tagsOf = Map.groupBy(versionTags, (tag) => tag.version);
  return {
    name: model.name,
    description: model.description,
    isPrompt: model.is_prompt === 1,
    lastVersion: model.last_version,
    createdAtMs: model.created_at_ms,
    updatedAtMs: model.updated_at_ms,
    tags: tags.map(({ key, value }) => ({ key, value })),
    aliases: aliases.map(({ alias, version }) => ({ alias, version })),
    versions: versions.map((row) => ({
      version: row.version,
      status: row.status,
      statusMessage: row.status_message,
      stage: row.stage,
      deleted: row.deleted === 1,
      description: row.description,
      source: row.source,
      storageLocation: row.storage_location,
      runId: row.run_id,
      runLink: row.run_link,
      modelId: row.model_id,
      createdBy: row.created_by,
      createdAtMs: row.created_at_ms,
      updatedAtMs: row.updated_at_ms,
      tags: (tagsOf.get(row.version) ?? []).map(({ key, value }) => ({ key, value })),
      digest: row.digest,
      datasetVersionId: row.dataset_version_id,
      datasetDigest: row.dataset_digest,
      signature: row.signature,
      evaluationId: row.evaluation_id,
    })),
    aliasMoves: moves.map((move) => ({
      id: move.id,
      alias: move.alias,
      version: move.version,
      previousVersion: move.previous_version,
      action: move.action,
      by: move.moved_by,
      reason: move.reason,
      movedAtMs: move.moved_at_ms,
    })),
  };
}

/** A version by its number, a deleted one too. */
export async function findAnyVersion(tx: Tx, id: number, version: number): Promise<VersionRow | undefined> {
  const query = on(tx).selectFrom('model_versions').selectAll().where('registered_id', '=', id);
  return query.where('version', '=', version).executeTakeFirst();
}

/** The columns of a version that other servers know too, and the rest where it is given. */
export function versionColumns(version: TransferVersion) {
  const given = {
    digest: version.digest,
    dataset_version_id: version.datasetVersionId,
    dataset_digest: version.datasetDigest,
    signature: version.signature,
    evaluation_id: version.evaluationId,
  };
  return {
    status: version.status,
    status_message: version.statusMessage,
    stage: version.stage,
    deleted: version.deleted ? 1 : 0,
    description: version.description,
    undescribed: 0,
    source: version.source,
    storage_location: version.storageLocation,
    run_id: version.runId,
    run_link: version.runLink,
    model_id: version.modelId,
    created_by: version.createdBy,
    created_at_ms: version.createdAtMs,
    updated_at_ms: version.updatedAtMs,
    ...(Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null)) as Partial<
      typeof given
    >),
  };
}

/** Writes a model and its tags anew; versions and aliases stay. */
export async function rewriteModel(tx: Tx, id: number, model: TransferRegisteredModel): Promise<void> {
  await on(tx)
    .updateTable('registered_models')
    .set({
      description: model.description,
      is_prompt: model.isPrompt ? 1 : 0,
      created_at_ms: model.createdAtMs,
      updated_at_ms: model.updatedAtMs,
    })
    .where('id', '=', id)
    .execute();
  await on(tx).deleteFrom('registered_model_tags').where('registered_id', '=', id).execute();
  if (model.tags.length === 0) return;
  const rows = model.tags.map(({ key, value }) => ({ registered_id: id, key, value }));
  await on(tx).insertInto('registered_model_tags').values(rows).execute();
}

/** Removes every tag of a version. */
export async function clearVersionTags(tx: Tx, id: number, version: number): Promise<void> {
  await on(tx)
    .deleteFrom('model_version_tags')
    .where('registered_id', '=', id)
    .where('version', '=', version)
    .execute();
}

/** Adds the tags of a version that has none of these keys. */
export async function insertVersionTags(tx: Tx, id: number, version: TransferVersion): Promise<void> {
  if (version.tags.length === 0) return;
  const rows = version.tags.map(({ key, value }) => ({
    registered_id: id,
    version: version.version,
    key,
    value,
  }));
  await on(tx).insertInto('model_version_tags').values(rows).execute();
}

/** Adds moves of aliases that are not here yet, as they were written down elsewhere. */
export async function insertAliasMoves(
  tx: Tx,
  id: number,
  moves: readonly TransferAliasMove[],
): Promise<void> {
  if (moves.length === 0) return;
  const rows = moves.map((move) => ({
    id: move.id,
    registered_id: id,
    alias: move.alias,
    version: move.version,
    previous_version: move.previousVersion,
    action: move.action,
    moved_by: move.by,
    reason: move.reason,
    moved_at_ms: move.movedAtMs,
  }));
  await on(tx)
    .insertInto('model_alias_moves')
    .values(rows)
    .onConflict((c) => c.column('id').doNothing())
    .execute();
}

/** Sets where an alias stands, or takes it away, without a move in its history. */
export async function placeAlias(tx: Tx, id: number, alias: string, version: number | null): Promise<void> {
  const at = { registered_id: id, alias };
  await on(tx)
    .deleteFrom('model_aliases')
    .where('registered_id', '=', id)
    .where('alias', '=', alias)
    .execute();
  if (version !== null)
    await on(tx)
      .insertInto('model_aliases')
      .values({ ...at, version })
      .execute();
}

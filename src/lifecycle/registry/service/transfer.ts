import { type Actor, authorize } from '../../../platform/access/index.ts';
import type { Tx } from '../../../platform/db/index.ts';
import type { ImportedRegisteredModel, TransferRegisteredModel } from '../contract/transfer.ts';
import { aliasedVersion, moveAlias } from '../store/aliases.ts';
import { findModelRow, insertModel, updateModelRow } from '../store/models.ts';
import type { ModelRow } from '../store/tables.ts';
import {
  clearVersionTags,
  findAnyVersion,
  insertAliasMoves,
  insertVersionTags,
  modelRowsAfter,
  placeAlias,
  readTransferModel,
  rewriteModel,
  versionColumns,
} from '../store/transfer.ts';
import { insertVersion, updateVersionRow } from '../store/versions.ts';
import { registeredModelDigest } from '../transfer-digest.ts';
import { aliasMove, modelByName, type RegistryDeps } from './context.ts';

/** Bringing registered models in from elsewhere, whole and with their version numbers, and reading them out so. */
export function registryTransfer(deps: RegistryDeps) {
  const { db } = deps;
  return {
    /**
     * Writes models as they are at the source. Writing the same again changes nothing. A model of that name which
     * was made here keeps all it has, and takes in the versions whose numbers are free; its digest then tells.
     */
    async importModels(
      actor: Actor,
      source: string,
      models: readonly TransferRegisteredModel[],
    ): Promise<readonly ImportedRegisteredModel[]> {
      authorize(actor, 'transfer:write');
      const owned = new Map<string, boolean>();
      for (const model of models) {
        const isOwned = await db.write((tx) => writeModel(tx, actor, source, model));
        owned.set(model.name, isOwned);
      }
      const written: ImportedRegisteredModel[] = [];
      for (const { name } of models) {
        const here = await readTransferModel(db.read, await modelByName(db.read, name));
        const versions = here.versions.filter((version) => !version.deleted).length;
        const digest = registeredModelDigest(here);
        written.push({ name, owned: owned.get(name) ?? false, versions, digest });
      }
      return written;
    },

    /** Registered models and prompts by name, after `afterName`, with deleted versions. */
    async exportModels(
      actor: Actor,
      limit: number,
      afterName: string,
    ): Promise<readonly TransferRegisteredModel[]> {
      authorize(actor, 'read');
      const rows = await modelRowsAfter(db.read, afterName, limit);
      const models: TransferRegisteredModel[] = [];
      for (const row of rows) models.push(await readTransferModel(db.read, row));
      return models;
    },
  };

  async function writeModel(
    tx: Tx,
    actor: Actor,
    source: string,
    model: TransferRegisteredModel,
  ): Promise<boolean> {
    const { name, description, isPrompt, createdAtMs: nowMs } = model;
    const present = await findModelRow(tx, name);
    const row = present ?? (await insertModel(tx, { name, description, isPrompt, nowMs }));
    if (!row) throw new Error(`registered model ${name} was made twice`);
    const isOwned = row.created_at_ms === model.createdAtMs;
    for (const version of model.versions) await writeVersion(tx, row, version);
    await updateModelRow(tx, row.id, { last_version: Math.max(row.last_version, model.lastVersion) });
    if (!isOwned) return false;
    await rewriteModel(tx, row.id, model);
    await insertAliasMoves(tx, row.id, model.aliasMoves);
    const known = new Set(model.aliasMoves.map((move) => move.alias));
    for (const { alias, version } of model.aliases) {
      const previousVersion = await aliasedVersion(tx, row.id, alias);
      if (known.has(alias)) {
        await placeAlias(tx, row.id, alias, version);
      } else {
        const reason = `imported from ${source}`;
        const move = { alias, version, previousVersion, action: 'set' as const, reason };
        await moveAlias(tx, aliasMove(deps, actor, row, move));
      }
    }
    const kept = new Set(model.aliases.map(({ alias }) => alias));
    for (const { alias } of (await readTransferModel(tx, row)).aliases) {
      if (!kept.has(alias)) await placeAlias(tx, row.id, alias, null);
    }
    return true;
  }

  async function writeVersion(
    tx: Tx,
    model: ModelRow,
    version: TransferRegisteredModel['versions'][number],
  ): Promise<void> {
    const present = await findAnyVersion(tx, model.id, version.version);
    const at = { registeredId: model.id, version: version.version };
    const columns = versionColumns(version);
    if (!present) {
      const unknown = { digest: null, dataset_version_id: null, dataset_digest: null };
      const rest = { signature: null, evaluation_id: null };
      const key = { registered_id: model.id, version: version.version };
      await insertVersion(tx, { ...key, ...unknown, ...rest, ...columns });
    } else if (present.created_at_ms === version.createdAtMs) {
      await updateVersionRow(tx, at, columns);
      await clearVersionTags(tx, model.id, version.version);
    } else {
      return;
    }
    await insertVersionTags(tx, model.id, version);
  }
}

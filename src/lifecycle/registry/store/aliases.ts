import { formatTime } from '../../../core/time.ts';
import type { Tx } from '../../../platform/db/index.ts';
import type { AliasMove } from '../contract.ts';
import { on, type RegistryTables } from './tables.ts';

/** The version that an alias points at; null when there is no such alias. */
export async function aliasedVersion(tx: Tx, registeredId: number, alias: string): Promise<number | null> {
  const row = await on(tx)
    .selectFrom('model_aliases')
    .select('version')
    .where('registered_id', '=', registeredId)
    .where('alias', '=', alias)
    .executeTakeFirst();
  return row?.version ?? null;
}

/** Points an alias at a version, or takes it away, and writes the move down. Moving it nowhere is no move. */
export async function moveAlias(tx: Tx, move: RegistryTables['model_alias_moves']): Promise<void> {
  const { registered_id, alias, version } = move;
  if (version === move.previous_version) return;
  if (version === null) {
    await on(tx)
      .deleteFrom('model_aliases')
      .where('registered_id', '=', registered_id)
      .where('alias', '=', alias)
      .execute();
  } else {
    await on(tx)
      .insertInto('model_aliases')
      .values({ registered_id, alias, version })
      .onConflict((c) => c.columns(['registered_id', 'alias']).doUpdateSet({ version }))
      .execute();
  }
  await on(tx).insertInto('model_alias_moves').values(move).execute();
}

/** The aliases that point at a version, in no order. */
export async function aliasesOfVersion(
  tx: Tx,
  registeredId: number,
  version: number,
): Promise<readonly string[]> {
  const rows = await on(tx)
    .selectFrom('model_aliases')
    .select('alias')
    .where('registered_id', '=', registeredId)
    .where('version', '=', version)
    .execute();
  return rows.map((row) => row.alias);
}

/** What the alias pointed at before it last came to this version by being set or promoted. */
export async function versionBefore(
  tx: Tx,
  registeredId: number,
  alias: string,
  version: number,
): Promise<number | null> {
  const row = await on(tx)
    .selectFrom('model_alias_moves')
    .select('previous_version')
    .where('registered_id', '=', registeredId)
    .where('alias', '=', alias)
    .where('version', '=', version)
    .where('action', 'in', ['set', 'promote'])
    .orderBy('id', 'desc')
    .executeTakeFirst();
  return row?.previous_version ?? null;
}

/** Moves of a model's aliases, newest first; `afterId` is the last of the page before. */
export async function aliasMoves(
  tx: Tx,
  registeredId: number,
  limit: number,
  afterId: string | null,
): Promise<readonly AliasMove[]> {
  let query = on(tx).selectFrom('model_alias_moves').selectAll().where('registered_id', '=', registeredId);
  if (afterId !== null) query = query.where('id', '<', afterId);
  const rows = await query.orderBy('id', 'desc').limit(limit).execute();
  return rows.map((row) => ({
    id: row.id,
    alias: row.alias,
    version: row.version,
    previousVersion: row.previous_version,
    action: row.action,
    by: row.moved_by,
    reason: row.reason,
    movedAt: formatTime(row.moved_at_ms),
  }));
}

import type { Tx } from '../../platform/db/index.ts';
import { type LoopRow, type LoopVersionRow, loopTables, type TriggerRow } from './tables.ts';

/** A loop by its name. */
export async function findLoop(tx: Tx, name: string): Promise<LoopRow | undefined> {
  return loopTables(tx).selectFrom('loops').selectAll().where('name', '=', name).executeTakeFirst();
}

/** The loop that an endpoint belongs to. */
export async function findLoopByEndpoint(tx: Tx, endpoint: string): Promise<LoopRow | undefined> {
  return loopTables(tx).selectFrom('loops').selectAll().where('endpoint', '=', endpoint).executeTakeFirst();
}

/** Loops by name, after one. */
export async function listLoops(tx: Tx, limit: number, afterName = ''): Promise<readonly LoopRow[]> {
  return loopTables(tx)
    .selectFrom('loops')
    .selectAll()
    .where('name', '>', afterName)
    .orderBy('name')
    .limit(limit)
    .execute();
}

/** All loops, by name. */
export async function loopNames(tx: Tx): Promise<readonly string[]> {
  const rows = await loopTables(tx).selectFrom('loops').select('name').orderBy('name').execute();
  return rows.map((row) => row.name);
}

/** Names of the loops of some endpoints. */
export async function loopsOn(tx: Tx, endpoints: readonly string[]): Promise<readonly string[]> {
  if (endpoints.length === 0) return [];
  const query = loopTables(tx).selectFrom('loops').select('name').where('endpoint', 'in', endpoints);
  return (await query.execute()).map((row) => row.name);
}

/** Adds a loop; its name and endpoint must be new. */
export async function insertLoop(tx: Tx, row: LoopRow): Promise<void> {
  await loopTables(tx).insertInto('loops').values(row).execute();
}

/** Changes some columns of a loop. */
export async function updateLoop(tx: Tx, name: string, change: Partial<LoopRow>): Promise<void> {
  await loopTables(tx).updateTable('loops').set(change).where('name', '=', name).execute();
}

/** Keeps a loop file that was applied. */
export async function insertLoopVersion(tx: Tx, row: LoopVersionRow): Promise<void> {
  await loopTables(tx).insertInto('loop_versions').values(row).execute();
}

/** A loop file as it was applied. */
export async function findLoopVersion(
  tx: Tx,
  loop: string,
  version: number,
): Promise<LoopVersionRow | undefined> {
  return loopTables(tx)
    .selectFrom('loop_versions')
    .selectAll()
    .where('loop', '=', loop)
    .where('version', '=', version)
    .executeTakeFirst();
}

/** Versions of a loop file, newest first. */
export async function listLoopVersions(tx: Tx, loop: string, limit: number, before?: number) {
  let query = loopTables(tx).selectFrom('loop_versions').selectAll().where('loop', '=', loop);
  if (before !== undefined) query = query.where('version', '<', before);
  return query.orderBy('version', 'desc').limit(limit).execute();
}

/** Records a trigger unless its source has given one already. Returns whether it did. */
export async function insertTrigger(tx: Tx, row: TriggerRow): Promise<boolean> {
  const inserted = await loopTables(tx)
    .insertInto('loop_triggers')
    .values(row)
    .onConflict((c) => c.columns(['loop', 'source']).doNothing())
    .returning('id')
    .executeTakeFirst();
  return inserted !== undefined;
}

/** Triggers that have not led to a turn yet, oldest first. */
export async function waitingTriggers(tx: Tx, loop: string): Promise<readonly TriggerRow[]> {
  return loopTables(tx)
    .selectFrom('loop_triggers')
    .selectAll()
    .where('loop', '=', loop)
    .where('turn_id', 'is', null)
    .orderBy('id')
    .execute();
}

/** The triggers of a turn: the one that started it and those merged into it, oldest first. */
export async function triggersOfTurn(tx: Tx, turnId: string): Promise<readonly TriggerRow[]> {
  return loopTables(tx)
    .selectFrom('loop_triggers')
    .selectAll()
    .where('turn_id', '=', turnId)
    .orderBy('id')
    .execute();
}

/** Marks triggers as answered by a turn. */
export async function giveTriggers(tx: Tx, ids: readonly string[], turnId: string): Promise<void> {
  if (ids.length === 0) return;
  await loopTables(tx).updateTable('loop_triggers').set({ turn_id: turnId }).where('id', 'in', ids).execute();
}

import type { Tx } from '../../platform/db/index.ts';
import { loopTables, type TransitionRow, type TurnRow, type TurnStepRow } from './tables.ts';

/** Adds a turn; its number must be new in the loop. */
export async function insertTurn(tx: Tx, row: TurnRow): Promise<void> {
  await loopTables(tx).insertInto('turns').values(row).execute();
}

/** A turn by its id. */
export async function findTurn(tx: Tx, id: string): Promise<TurnRow | undefined> {
  return loopTables(tx).selectFrom('turns').selectAll().where('id', '=', id).executeTakeFirst();
}

/** A turn by its number in its loop. */
export async function findTurnByNumber(tx: Tx, loop: string, number: number): Promise<TurnRow | undefined> {
  return loopTables(tx)
    .selectFrom('turns')
    .selectAll()
    .where('loop', '=', loop)
    .where('number', '=', number)
    .executeTakeFirst();
}

/** The turn that rolled a version out, of those before turn `before` if that is given; the newest if several did. */
export async function findTurnByVersion(
  tx: Tx,
  loop: string,
  version: number,
  before = Number.MAX_SAFE_INTEGER,
): Promise<TurnRow | undefined> {
  return loopTables(tx)
    .selectFrom('turns')
    .selectAll()
    .where('loop', '=', loop)
    .where('challenger_version', '=', version)
    .where('number', '<', before)
    .orderBy('number', 'desc')
    .executeTakeFirst();
}

/** Turns (of one loop, if named), newest first; `beforeId` continues behind one (ids sort by time). */
export async function listTurns(
  tx: Tx,
  filter: {
    readonly loop?: string | undefined;
    readonly beforeId?: string | undefined;
    readonly limit: number;
  },
): Promise<readonly TurnRow[]> {
  let query = loopTables(tx).selectFrom('turns').selectAll();
  if (filter.loop) query = query.where('loop', '=', filter.loop);
  if (filter.beforeId) query = query.where('id', '<', filter.beforeId);
  return query.orderBy('id', 'desc').limit(filter.limit).execute();
}

/** Turns that have, or had, a rollout, with their loop's endpoint and state; only those that have not ended if asked. */
export async function turnsWithRollout(
  tx: Tx,
  page: {
    readonly isOpen: boolean;
    readonly endpoint?: string | undefined;
    readonly order: 'newest' | 'oldest';
    readonly afterId?: string | undefined;
    readonly limit: number;
  },
): Promise<readonly { readonly id: string; readonly endpoint: string; readonly loopState: string }[]> {
  const isNewest = page.order === 'newest';
  let query = loopTables(tx)
    .selectFrom('turns')
    .innerJoin('loops', 'loops.name', 'turns.loop')
    .select(['turns.id as id', 'loops.endpoint as endpoint', 'loops.state as loopState'])
    .where((where) =>
      where.or([
        where('turns.data', 'like', '%"rollout":{%'),
        where('turns.data', 'like', '%"rolloutHistory":[{%'),
      ]),
    );
  if (page.isOpen) query = query.where('turns.finished_at_ms', 'is', null);
  if (page.endpoint !== undefined) query = query.where('loops.endpoint', '=', page.endpoint);
  if (page.afterId !== undefined) query = query.where('turns.id', isNewest ? '<' : '>', page.afterId);
  return query
    .orderBy('turns.id', isNewest ? 'desc' : 'asc')
    .limit(page.limit)
    .execute();
}

/** Changes a turn that is still as it was read. Returns whether it was. */
export async function updateTurn(
  tx: Tx,
  id: string,
  revision: number,
  change: Partial<TurnRow>,
): Promise<boolean> {
  const updated = await loopTables(tx)
    .updateTable('turns')
    .set({ ...change, revision: revision + 1 })
    .where('id', '=', id)
    .where('revision', '=', revision)
    .returning('id')
    .executeTakeFirst();
  return updated !== undefined;
}

/** Adds what happened to a turn as the next of its transitions. */
export async function appendTransition(tx: Tx, row: Omit<TransitionRow, 'number'>): Promise<void> {
  const last = await loopTables(tx)
    .selectFrom('turn_transitions')
    .select((e) => e.fn.max('number').as('number'))
    .where('turn_id', '=', row.turn_id)
    .executeTakeFirst();
  await loopTables(tx)
    .insertInto('turn_transitions')
    .values({ ...row, number: (last?.number ?? 0) + 1 })
    .execute();
}

/** How a turn went, from its beginning. */
export async function transitionsOf(tx: Tx, turnId: string): Promise<readonly TransitionRow[]> {
  return loopTables(tx)
    .selectFrom('turn_transitions')
    .selectAll()
    .where('turn_id', '=', turnId)
    .orderBy('number')
    .execute();
}

/** Adds a step that a turn has started, as its next. */
export async function appendTurnStep(tx: Tx, row: Omit<TurnStepRow, 'number'>): Promise<void> {
  const steps = await turnSteps(tx, row.turn_id);
  await loopTables(tx)
    .insertInto('turn_steps')
    .values({ ...row, number: steps.length + 1 })
    .execute();
}

/** The steps of a turn in the order in which they were started. */
export async function turnSteps(tx: Tx, turnId: string): Promise<readonly TurnStepRow[]> {
  return loopTables(tx)
    .selectFrom('turn_steps')
    .selectAll()
    .where('turn_id', '=', turnId)
    .orderBy('number')
    .execute();
}

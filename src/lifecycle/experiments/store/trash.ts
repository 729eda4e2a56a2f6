import { sql } from 'kysely';
import { type Tx, tables } from '../../../platform/db/index.ts';

export type TrashKind = 'experiment' | 'run' | 'logged-model';

/** Something that was deleted and can be brought back until it is purged. */
export interface TrashRow {
  readonly kind: TrashKind;
  readonly id: string;
  /** The experiment itself, or the one it belongs to. */
  readonly experiment_id: number;
  /** The name that an experiment had, where deleting freed it. */
  readonly name: string | null;
  readonly deleted_at_ms: number;
  readonly deleted_by: string;
  /** 1 once its purge has begun: then there is no way back. */
  readonly is_purging: number;
}

interface TrashTables {
  experiments_trash: TrashRow;
}
/** The trash through its own table types; it is a table of this file and of purge.ts. */
export const onTrash = (tx: Tx) => tables<TrashTables>(tx);

/** Notes a deletion. What is in the trash already keeps its first time and its first deleter. */
export async function putIntoTrash(tx: Tx, row: Omit<TrashRow, 'is_purging'>): Promise<void> {
  await onTrash(tx)
    .insertInto('experiments_trash')
    .values({ ...row, is_purging: 0 })
    .onConflict((c) => c.columns(['kind', 'id']).doNothing())
    .execute();
}

/** What is known of a deletion; undefined for what is not deleted, or went with its experiment. */
export async function findInTrash(tx: Tx, kind: TrashKind, id: string): Promise<TrashRow | undefined> {
  return onTrash(tx)
    .selectFrom('experiments_trash')
    .selectAll()
    .where('kind', '=', kind)
    .where('id', '=', id)
    .executeTakeFirst();
}

/** Forgets a deletion: of what was brought back, or purged. Nothing there is no error. */
export async function takeOutOfTrash(tx: Tx, kind: TrashKind, id: string): Promise<void> {
  await onTrash(tx).deleteFrom('experiments_trash').where('kind', '=', kind).where('id', '=', id).execute();
}

/** Forgets the deletions of an experiment's runs, which came back with it; not of those whose purge has begun. */
export async function takeRunsOutOfTrash(tx: Tx, experimentId: number): Promise<void> {
  await onTrash(tx)
    .deleteFrom('experiments_trash')
    .where('kind', '=', 'run')
    .where('experiment_id', '=', experimentId)
    .where('is_purging', '=', 0)
    .execute();
}

/** What is in the trash, the last deleted first. */
export async function trashRows(
  tx: Tx,
  query: { readonly limit: number; readonly after: readonly (string | number)[] | null },
): Promise<readonly TrashRow[]> {
  let rows = onTrash(tx).selectFrom('experiments_trash').selectAll();
  if (query.after) {
    const [atMs = 0, kind = '', id = ''] = query.after;
    rows = rows.where(
      sql<boolean>`(deleted_at_ms < ${atMs} OR (deleted_at_ms = ${atMs} AND (kind, id) > (${kind}, ${id})))`,
    );
  }
  return rows.orderBy('deleted_at_ms', 'desc').orderBy('kind').orderBy('id').limit(query.limit).execute();
}

/** When the oldest of what may be purged was deleted; null when there is none. */
export async function oldestTrashMs(tx: Tx): Promise<number | null> {
  const row = await onTrash(tx)
    .selectFrom('experiments_trash')
    .select((e) => e.fn.min('deleted_at_ms').as('oldest'))
    .executeTakeFirst();
  return row?.oldest ?? null;
}

/** Puts into the trash what was deleted without passing it: before there was one, or elsewhere (imports). */
export async function adoptDeleted(tx: Tx, nowMs: number): Promise<void> {
  const adopt = (kind: TrashKind, table: string, id: string, experiment: string) =>
    sql
      .raw(
        `INSERT INTO experiments_trash (kind, id, experiment_id, deleted_at_ms, deleted_by, is_purging)
          SELECT '${kind}', ${id}, ${experiment}, ${nowMs}, 'unknown', 0 FROM ${table} x
          WHERE x.lifecycle_stage = 'deleted' AND NOT EXISTS (
            SELECT 1 FROM experiments_trash t WHERE (t.kind = '${kind}' AND t.id = ${id})
              OR (t.kind = 'experiment' AND t.experiment_id = ${experiment}))`,
      )
      .execute(tx);
  await adopt('experiment', 'experiments', 'CAST(x.id AS TEXT)', 'x.id');
  await adopt('run', 'runs', 'x.id', 'x.experiment_id');
  await adopt('logged-model', 'logged_models', 'x.id', 'x.experiment_id');
}

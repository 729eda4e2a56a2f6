import { type SqlBool, sql } from 'kysely';
import { formatTime } from '../../../core/time.ts';
import type { Tx } from '../../../platform/db/index.ts';
import type { HistoryEntry, HistorySubject } from '../contract/history.ts';
import { on, type RegistryTables } from './tables.ts';

/** Writes down what was changed, in the transaction of the change. */
export async function insertChanges(tx: Tx, rows: readonly RegistryTables['model_changes'][]): Promise<void> {
  if (rows.length > 0) await on(tx).insertInto('model_changes').values(rows).execute();
}

interface HistoryFilter {
  readonly version?: number | undefined;
  readonly what?: HistorySubject | undefined;
  /** Changes before this id (ids sort by time). */
  readonly afterId?: string | undefined;
  readonly limit: number;
}

interface HistoryRow {
  readonly id: string;
  readonly at_ms: number;
  readonly by_actor: string;
  readonly version: number | null;
  readonly what: HistorySubject;
  readonly key: string | null;
  readonly before_text: string | null;
  readonly after_text: string | null;
  readonly reason: string;
}

/** The changes of a model and its versions with the moves of its aliases, newest first. */
export async function historyOf(
  tx: Tx,
  registeredId: number,
  filter: HistoryFilter,
): Promise<readonly HistoryEntry[]> {
  const { version, what, afterId, limit } = filter;
  const before = afterId === undefined ? sql<SqlBool>`1 = 1` : sql<SqlBool>`id < ${afterId}`;
  const ofKind = what === undefined ? sql<SqlBool>`1 = 1` : sql<SqlBool>`what = ${what}`;
  const ofVersion = version === undefined ? sql<SqlBool>`1 = 1` : sql<SqlBool>`version = ${version}`;
  const moved =
    version === undefined
      ? sql<SqlBool>`1 = 1`
      : sql<SqlBool>`(version = ${version} OR previous_version = ${version})`;
  const { rows } = await sql<HistoryRow>`
    SELECT * FROM (
      SELECT id, changed_at_ms AS at_ms, changed_by AS by_actor, version, what, key, before_text, after_text, reason
      FROM model_changes WHERE registered_id = ${registeredId} AND ${before} AND ${ofVersion}
      UNION ALL
      SELECT id, moved_at_ms, moved_by, NULL, 'alias', alias, CAST(previous_version AS TEXT), CAST(version AS TEXT), reason
      FROM model_alias_moves WHERE registered_id = ${registeredId} AND ${before} AND ${moved}
    ) AS changes WHERE ${ofKind} ORDER BY id DESC LIMIT ${limit}`.execute(tx);
  return rows.map((row) => ({
    id: row.id,
    at: formatTime(row.at_ms),
    by: row.by_actor,
    version: row.version,
    what: row.what,
    key: row.key,
    before: row.before_text,
    after: row.after_text,
    reason: row.reason,
  }));
}

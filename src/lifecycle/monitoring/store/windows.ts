import { type Tx, tables } from '../../../platform/db/index.ts';
import type { MonitoringTables, WindowRow } from './tables.ts';

const db = (tx: Tx) => tables<MonitoringTables>(tx);

export interface WindowFilter {
  readonly endpoint: string;
  readonly size: string;
  readonly modelVersion?: string | undefined;
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
  /** Windows behind this (start, id), newest first. */
  readonly after?: readonly [number, string] | undefined;
  readonly limit: number;
}

/** Windows, newest first; without drift details. */
export function listWindows(tx: Tx, filter: WindowFilter): Promise<Omit<WindowRow, 'drift_json'>[]> {
  const { modelVersion, fromMs, toMs, after } = filter;
  let query = db(tx)
    .selectFrom('monitor_windows')
    .select([
      'id',
      'endpoint',
      'model_version',
      'size',
      'start_ms',
      'end_ms',
      'state',
      'revision',
      'fingerprint',
      'champion_rows',
      'causes_json',
      'window_json',
      'computed_at_ms',
    ])
    .where('endpoint', '=', filter.endpoint)
    .where('size', '=', filter.size);
  if (modelVersion !== undefined) query = query.where('model_version', '=', modelVersion);
  if (fromMs !== undefined) query = query.where('end_ms', '>', fromMs);
  if (toMs !== undefined) query = query.where('start_ms', '<', toMs);
  if (after) {
    const [startMs, id] = after;
    query = query.where((e) =>
      e.or([e('start_ms', '<', startMs), e.and([e('start_ms', '=', startMs), e('id', '<', id)])]),
    );
  }
  return query.orderBy('start_ms', 'desc').orderBy('id', 'desc').limit(filter.limit).execute();
}

export function findWindow(tx: Tx, id: string): Promise<WindowRow | undefined> {
  return db(tx).selectFrom('monitor_windows').selectAll().where('id', '=', id).executeTakeFirst();
}

/** The windows of all model versions that start at this time. */
export function windowsAt(tx: Tx, endpoint: string, size: string, startMs: number): Promise<WindowRow[]> {
  return db(tx)
    .selectFrom('monitor_windows')
    .selectAll()
    .where('endpoint', '=', endpoint)
    .where('size', '=', size)
    .where('start_ms', '=', startMs)
    .execute();
}

/** Starts of windows that are closed, not matured, and ended at or before `endMs`; oldest first. */
export async function startsToMature(
  tx: Tx,
  endpoint: string,
  size: string,
  endMs: number,
): Promise<readonly number[]> {
  const rows = await db(tx)
    .selectFrom('monitor_windows')
    .select('start_ms')
    .distinct()
    .where('endpoint', '=', endpoint)
    .where('size', '=', size)
    .where('state', '=', 'closed')
    .where('end_ms', '<=', endMs)
    .orderBy('start_ms')
    .execute();
  return rows.map((row) => row.start_ms);
}

/** The first window in which a model version answered at least so many requests as champion, or undefined. */
export async function firstWindowStart(
  tx: Tx,
  endpoint: string,
  size: string,
  modelVersion: string,
  championRows: number,
): Promise<number | undefined> {
  const row = await db(tx)
    .selectFrom('monitor_windows')
    .select((e) => e.fn.min('start_ms').as('start'))
    .where('endpoint', '=', endpoint)
    .where('size', '=', size)
    .where('model_version', '=', modelVersion)
    .where('champion_rows', '>=', championRows)
    .executeTakeFirst();
  return row?.start ?? undefined;
}

export async function putWindow(tx: Tx, row: WindowRow): Promise<void> {
  const { id: _, ...change } = row;
  await db(tx)
    .insertInto('monitor_windows')
    .values(row)
    .onConflict((c) => c.columns(['endpoint', 'size', 'start_ms', 'model_version']).doUpdateSet(change))
    .execute();
}

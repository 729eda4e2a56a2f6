import { sql } from 'kysely';
import type { Tx } from '../../../platform/db/index.ts';
import { on } from './tables.ts';

/** How often at most what is not logged to a run itself is a sign of its life. */
const touchIntervalMs = 1000;

export interface SilentRun {
  readonly seq: number;
  readonly id: string;
  readonly experimentId: number;
  readonly stepRunId: string | null;
  readonly heartbeatMs: number;
}

/** The ids of runs that a path of an artifact names: their files lie under `<run>/artifacts/`. */
export function runIdsIn(path: string): readonly string[] {
  return [...path.matchAll(/(?:^|\/)([0-9a-f]{32})\/artifacts\//g)].map((match) => match[1] ?? '');
}

/** Notes that runs are alive, where they are running; one that was lost runs again. */
export async function touchRuns(tx: Tx, ids: readonly string[], nowMs: number): Promise<void> {
  for (const id of ids) {
    if (id === '') continue;
    await on(tx)
      .updateTable('runs')
      .set({ heartbeat_ms: nowMs, status: 'RUNNING' })
      .where('id', '=', id)
      .where('status', 'in', ['RUNNING', 'LOST'])
      .where('heartbeat_ms', '<', nowMs - touchIntervalMs)
      .execute();
  }
}

/** Running runs that have written nothing since a time, the longest silent first. */
export async function silentRuns(tx: Tx, sinceMs: number, limit: number): Promise<readonly SilentRun[]> {
  const rows = await on(tx)
    .selectFrom('runs')
    .select(['seq', 'id', 'experiment_id', 'step_run_id', 'heartbeat_ms'])
    // As text, so that the index of running runs is used.
    .where(sql<boolean>`status = 'RUNNING'`)
    .where('heartbeat_ms', '<', sinceMs)
    .where('lifecycle_stage', '=', 'active')
    .orderBy('heartbeat_ms')
    .limit(limit)
    .execute();
  return rows.map((row) => ({
    seq: row.seq,
    id: row.id,
    experimentId: row.experiment_id,
    stepRunId: row.step_run_id,
    heartbeatMs: row.heartbeat_ms,
  }));
}

/** Marks a run as lost unless it has written in the meantime. True when it is. */
export async function markLost(tx: Tx, run: SilentRun): Promise<boolean> {
  const result = await on(tx)
    .updateTable('runs')
    .set({ status: 'LOST' })
    .where('seq', '=', run.seq)
    .where('status', '=', 'RUNNING')
    .where('heartbeat_ms', '=', run.heartbeatMs)
    .executeTakeFirst();
  return result.numUpdatedRows > 0n;
}

import { type Tx, tables } from '../../platform/db/index.ts';
import type { StepPlace } from './contract.ts';

/** `queued` covers waiting and running: which of the two, the queue knows. */
export interface StepRunRow {
  readonly id: string;
  readonly kind: string;
  readonly subject: string;
  readonly place: StepPlace;
  readonly status: 'queued' | 'succeeded' | 'failed' | 'cancelled';
  readonly inputs: string;
  readonly outputs: string | null;
  readonly error: string | null;
  readonly attempts: number;
  readonly created_at_ms: number;
  readonly started_at_ms: number | null;
  readonly finished_at_ms: number | null;
}

interface PipelinesTables {
  step_runs: StepRunRow;
}

interface StepRunFilter {
  readonly subject?: string | undefined;
  readonly kind?: string | undefined;
  readonly status?: StepRunRow['status'] | undefined;
  /** Step runs older than this id (ids sort by time). */
  readonly afterId?: string | undefined;
  readonly limit: number;
}

/** Inserts a step run; an id that exists already (a repeated start with the same key) changes nothing. */
export async function insertStepRun(tx: Tx, row: StepRunRow): Promise<boolean> {
  const inserted = await tables<PipelinesTables>(tx)
    .insertInto('step_runs')
    .values(row)
    .onConflict((c) => c.column('id').doNothing())
    .returning('id')
    .executeTakeFirst();
  return inserted !== undefined;
}

export async function findStepRun(tx: Tx, id: string): Promise<StepRunRow | undefined> {
  return tables<PipelinesTables>(tx)
    .selectFrom('step_runs')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirst();
}

/** Records how a step run ended, unless it has ended already. Returns whether it did so. */
export async function finishStepRun(tx: Tx, id: string, change: Partial<StepRunRow>): Promise<boolean> {
  const updated = await tables<PipelinesTables>(tx)
    .updateTable('step_runs')
    .set(change)
    .where('id', '=', id)
    .where('status', '=', 'queued')
    .returning('id')
    .executeTakeFirst();
  return updated !== undefined;
}

export async function putOutputs(tx: Tx, id: string, outputs: string): Promise<void> {
  const ended = tables<PipelinesTables>(tx).updateTable('step_runs').set({ outputs });
  await ended.where('id', '=', id).where('status', '=', 'succeeded').execute();
}

export async function deleteStepRun(tx: Tx, id: string): Promise<void> {
  await tables<PipelinesTables>(tx).deleteFrom('step_runs').where('id', '=', id).execute();
}

/** Step runs, newest first. */
export async function listStepRuns(tx: Tx, filter: StepRunFilter): Promise<readonly StepRunRow[]> {
  let query = tables<PipelinesTables>(tx).selectFrom('step_runs').selectAll();
  if (filter.subject) query = query.where('subject', '=', filter.subject);
  if (filter.kind) query = query.where('kind', '=', filter.kind);
  if (filter.status) query = query.where('status', '=', filter.status);
  if (filter.afterId) query = query.where('id', '<', filter.afterId);
  return query.orderBy('id', 'desc').limit(filter.limit).execute();
}

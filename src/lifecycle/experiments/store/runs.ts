import { statements, type Tx } from '../../../platform/db/index.ts';
import type { RunInfo } from '../records.ts';
import type { Tag } from '../validation.ts';
import { type ExperimentsTables, lastByKey, on } from './tables.ts';

export type RunRow = Omit<ExperimentsTables['runs'], 'seq'> & { readonly seq: number };

/** Adds a run and returns its `seq`, the number by which all other tables know it. Its id must be new. */
export async function insertRun(tx: Tx, row: Omit<RunRow, 'seq'>): Promise<number> {
  const [inserted] = await statements(tx).all<{ seq: number }>(
    `INSERT INTO runs (id, experiment_id, name, user_id, status, start_time_ms, end_time_ms, lifecycle_stage,
      artifact_uri, step_run_id, heartbeat_ms) VALUES (${marks(11)}) RETURNING seq`,
    [
      ...[row.id, row.experiment_id, row.name, row.user_id, row.status, row.start_time_ms, row.end_time_ms],
      ...[row.lifecycle_stage, row.artifact_uri, row.step_run_id, row.heartbeat_ms],
    ],
  );
  if (!inserted) throw new Error('a run was not inserted');
  return inserted.seq;
}

export async function findRunRow(tx: Tx, id: string): Promise<RunRow | undefined> {
  return (await statements(tx).all<RunRow>('SELECT * FROM runs WHERE id = ?', [id]))[0];
}

/** Changes columns of a run; one that is not there is no error, so callers hold the run before. */
export async function updateRun(
  tx: Tx,
  seq: number,
  change: Partial<Pick<RunRow, 'name' | 'status' | 'end_time_ms' | 'lifecycle_stage' | 'heartbeat_ms'>>,
): Promise<void> {
  await on(tx).updateTable('runs').set(change).where('seq', '=', seq).execute();
}

/** The runs that a step's script created, oldest first. */
export async function runRowsOfStep(tx: Tx, stepRunId: string): Promise<readonly RunRow[]> {
  return on(tx).selectFrom('runs').selectAll().where('step_run_id', '=', stepRunId).orderBy('seq').execute();
}

/**
 * Adds params that may never change. Returns those that are logged with another value already; the caller
 * must then throw, so that nothing of the request is kept.
 */
export async function addParams(
  tx: Tx,
  runSeq: number,
  params: readonly Tag[],
): Promise<readonly (Tag & { readonly oldValue: string })[]> {
  if (params.length === 0) return [];
  const { rows, parameters } = keyedRows(runSeq, params);
  const accepted = await statements(tx).all<{ key: string }>(
    `INSERT INTO run_params (run_seq, key, value) VALUES ${rows}
      ON CONFLICT (run_seq, key) DO UPDATE SET value = excluded.value WHERE run_params.value = excluded.value
      RETURNING key`,
    parameters,
  );
  const done = new Set(accepted.map((row) => row.key));
  const refused = params.filter((param) => !done.has(param.key));
  if (refused.length === 0) return [];
  const there = await on(tx).selectFrom('run_params').selectAll().where('run_seq', '=', runSeq).execute();
  const old = new Map(there.map((row) => [row.key, row.value]));
  return refused.map((param) => ({ ...param, oldValue: old.get(param.key) ?? '' }));
}

/** Sets tags; of a key that is given twice, the last value counts. */
export async function setRunTags(tx: Tx, runSeq: number, tags: readonly Tag[]): Promise<void> {
  if (tags.length === 0) return;
  const { rows, parameters } = keyedRows(runSeq, tags);
  await statements(tx).all(
    `INSERT INTO run_tags (run_seq, key, value) VALUES ${rows}
      ON CONFLICT (run_seq, key) DO UPDATE SET value = excluded.value`,
    parameters,
  );
}

const marks = (count: number): string => new Array(count).fill('?').join(', ');

/** Rows of params or tags, in the order of their keys so that two writers never wait for each other. */
function keyedRows(runSeq: number, tags: readonly Tag[]) {
  const sorted = [...lastByKey(tags)].sort((a, b) => (a.key < b.key ? -1 : 1));
  return {
    rows: new Array(sorted.length).fill('(?, ?, ?)').join(', '),
    parameters: sorted.flatMap(({ key, value }) => [runSeq, key, value]),
  };
}

/** The value of a tag; undefined when the run has none of that key. */
export async function findRunTag(tx: Tx, runSeq: number, key: string): Promise<string | undefined> {
  const row = await on(tx)
    .selectFrom('run_tags')
    .select('value')
    .where('run_seq', '=', runSeq)
    .where('key', '=', key)
    .executeTakeFirst();
  return row?.value;
}

/** False when there is no such tag. */
export async function deleteRunTag(tx: Tx, runSeq: number, key: string): Promise<boolean> {
  const result = await on(tx)
    .deleteFrom('run_tags')
    .where('run_seq', '=', runSeq)
    .where('key', '=', key)
    .executeTakeFirst();
  return result.numDeletedRows > 0n;
}

/** A run without params, tags and metrics, as the service gives it. The empty name stays empty. */
export function runInfo(row: RunRow): RunInfo {
  return {
    id: row.id,
    name: row.name,
    experimentId: String(row.experiment_id),
    userId: row.user_id,
    status: row.status,
    startTimeMs: row.start_time_ms,
    endTimeMs: row.end_time_ms,
    lifecycleStage: row.lifecycle_stage,
    artifactUri: row.artifact_uri,
    stepRunId: row.step_run_id,
  };
}

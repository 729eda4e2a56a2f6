import { sql } from 'kysely';
import type { Tx } from '../../../../platform/db/index.ts';
import { chunks } from '../../store/chunks.ts';
import { grouped, lastByKey } from '../../store/tables.ts';
import type { Tag } from '../../validation.ts';
import { type TraceRecord, traceKeys } from '../records.ts';
import { assessmentsOfTraces } from './assessments.ts';
import { on, type TraceRow } from './tables.ts';

/**
 * The row of a trace, made if there is none, and held until the transaction ends: its client says what the trace
 * is and sends its spans at the same time.
 */
export async function holdTrace(
  tx: Tx,
  row: TraceRow,
): Promise<{ readonly row: TraceRow; readonly isNew: boolean }> {
  const added = await on(tx)
    .insertInto('traces')
    .values(row)
    .onConflict((c) => c.column('id').doNothing())
    .returningAll()
    .executeTakeFirst();
  if (added) return { row: added, isNew: true };
  const held = await on(tx)
    .updateTable('traces')
    .set({ id: row.id })
    .where('id', '=', row.id)
    .returningAll()
    .executeTakeFirstOrThrow();
  return { row: held, isNew: false };
}

/** Changes columns of a trace; one that is not there is no error, so callers hold it before. */
export async function updateTrace(tx: Tx, id: string, change: Partial<Omit<TraceRow, 'id'>>): Promise<void> {
  await on(tx).updateTable('traces').set(change).where('id', '=', id).execute();
}

export async function findTraceRow(tx: Tx, id: string): Promise<TraceRow | undefined> {
  return on(tx).selectFrom('traces').selectAll().where('id', '=', id).executeTakeFirst();
}

/** Traces by id, in any order; unknown ones are left out. */
export async function traceRowsByIds(
  tx: Tx,
  ids: readonly string[],
  experimentIds: readonly number[] | null,
): Promise<readonly TraceRow[]> {
  const rows: TraceRow[] = [];
  for (const chunk of chunks([...new Set(ids)])) {
    let query = on(tx).selectFrom('traces').selectAll().where('id', 'in', chunk);
    if (experimentIds) query = query.where('experiment_id', 'in', [...experimentIds, -1]);
    rows.push(...(await query.execute()));
  }
  return rows;
}

/** Sets tags or metadata; keys are written in one order, so that writers of one trace wait and never lock each other. */
export async function setPairs(
  tx: Tx,
  table: 'trace_tags' | 'trace_metadata',
  traceId: string,
  pairs: readonly Tag[],
): Promise<void> {
  if (pairs.length === 0) return;
  const sorted = [...lastByKey(pairs)].sort((a, b) => (a.key < b.key ? -1 : 1));
  await on(tx)
    .insertInto(table)
    .values(sorted.map(({ key, value }) => ({ trace_id: traceId, key, value })))
    .onConflict((c) => c.columns(['trace_id', 'key']).doUpdateSet({ value: sql`excluded.value` }))
    .execute();
  const runId = table === 'trace_metadata' && sorted.find((pair) => pair.key === traceKeys.sourceRun)?.value;
  if (runId) await linkRun(tx, runId, [traceId]);
}

/**
 * Links traces with a run; links that are there already stay. Neither has to exist yet: clients send them in
 * any order.
 */
export async function linkRun(tx: Tx, runId: string, traceIds: readonly string[]): Promise<void> {
  if (traceIds.length === 0) return;
  await on(tx)
    .insertInto('trace_runs')
    .values(traceIds.map((traceId) => ({ run_id: runId, trace_id: traceId })))
    .onConflict((c) => c.columns(['run_id', 'trace_id']).doNothing())
    .execute();
}

/** Links prompt versions, each as `name/version`. */
export async function linkPrompts(tx: Tx, traceId: string, prompts: readonly string[]): Promise<void> {
  if (prompts.length === 0) return;
  await on(tx)
    .insertInto('trace_prompts')
    .values([...new Set(prompts)].map((prompt) => ({ prompt, trace_id: traceId })))
    .onConflict((c) => c.columns(['prompt', 'trace_id']).doNothing())
    .execute();
}

/** False when there is no such tag. */
export async function deleteTraceTag(tx: Tx, traceId: string, key: string): Promise<boolean> {
  const result = await on(tx)
    .deleteFrom('trace_tags')
    .where('trace_id', '=', traceId)
    .where('key', '=', key)
    .executeTakeFirst();
  return result.numDeletedRows > 0n;
}

/** Ids of an experiment's traces: those named, or those that began by then; oldest first. */
export async function traceIdsOf(
  tx: Tx,
  experimentId: number,
  which: { readonly ids?: readonly string[]; readonly untilMs?: number; readonly limit?: number },
): Promise<readonly string[]> {
  let query = on(tx).selectFrom('traces').select('id').where('experiment_id', '=', experimentId);
  if (which.ids) query = query.where('id', 'in', [...which.ids]);
  if (which.untilMs !== undefined) query = query.where('start_time_ms', '<=', which.untilMs);
  query = query.orderBy('start_time_ms').orderBy('id');
  if (which.limit !== undefined) query = query.limit(which.limit);
  return (await query.execute()).map((row) => row.id);
}

/** Removes traces with all that belongs to them. */
export async function deleteTraceRows(tx: Tx, ids: readonly string[]): Promise<void> {
  for (const chunk of chunks(ids)) {
    for (const table of [
      'trace_spans',
      'trace_tags',
      'trace_metadata',
      'trace_runs',
      'trace_prompts',
      'trace_assessments',
    ] as const) {
      await on(tx).deleteFrom(table).where('trace_id', 'in', chunk).execute();
    }
    await on(tx).deleteFrom('traces').where('id', 'in', chunk).execute();
  }
}

/** Whole traces without spans, in the order of the rows. */
export async function hydrateTraces(tx: Tx, rows: readonly TraceRow[]): Promise<readonly TraceRecord[]> {
  const ids = rows.map((row) => row.id);
  const tags = await pairsOf(tx, 'trace_tags', ids);
  const metadata = await pairsOf(tx, 'trace_metadata', ids);
  const assessments = await assessmentsOfTraces(tx, ids);
  return rows.map((row) => ({
    id: row.id,
    experimentId: String(row.experiment_id),
    startTimeMs: row.start_time_ms,
    durationMs: row.duration_ms,
    state: row.state,
    clientRequestId: row.client_request_id,
    requestPreview: row.request_preview,
    responsePreview: row.response_preview,
    tags: tags.get(row.id) ?? [],
    metadata: metadata.get(row.id) ?? [],
    assessments: assessments.get(row.id) ?? [],
  }));
}

async function pairsOf(tx: Tx, table: 'trace_tags' | 'trace_metadata', ids: readonly string[]) {
  const rows = [];
  for (const chunk of chunks(ids)) {
    const part = on(tx).selectFrom(table).selectAll().where('trace_id', 'in', chunk).orderBy('key');
    rows.push(...(await part.execute()));
  }
  return grouped(
    rows,
    (row) => row.trace_id,
    ({ key, value }): Tag => ({ key, value }),
  );
}

import { z } from 'zod';
import { pythonDumps } from '../../../../core/exact-json.ts';
import type { Tx } from '../../../../platform/db/index.ts';
import { chunks } from '../../store/chunks.ts';
import { grouped } from '../../store/tables.ts';
import type { AssessmentRecord } from '../records.ts';
import { on, type TraceTables } from './tables.ts';

type Row = TraceTables['trace_assessments'];

const errorSchema = z.record(z.string(), z.unknown());
const metadataSchema = z.record(z.string(), z.string());

/** Writes an assessment, in place of the one with its id. */
export async function putAssessment(tx: Tx, assessment: AssessmentRecord): Promise<void> {
  const { id, ...row } = toRow(assessment);
  await on(tx)
    .insertInto('trace_assessments')
    .values({ id, ...row })
    .onConflict((c) => c.column('id').doUpdateSet(row))
    .execute();
}

/** An assessment of this trace; undefined when it is another trace’s. */
export async function findAssessment(
  tx: Tx,
  traceId: string,
  id: string,
): Promise<AssessmentRecord | undefined> {
  const row = await on(tx)
    .selectFrom('trace_assessments')
    .selectAll()
    .where('id', '=', id)
    .where('trace_id', '=', traceId)
    .executeTakeFirst();
  return row && toRecord(row);
}

/** False when the trace has no such assessment. */
export async function setAssessmentValid(
  tx: Tx,
  traceId: string,
  id: string,
  isValid: boolean,
): Promise<boolean> {
  const result = await on(tx)
    .updateTable('trace_assessments')
    .set({ is_valid: Number(isValid) })
    .where('id', '=', id)
    .where('trace_id', '=', traceId)
    .executeTakeFirst();
  return result.numUpdatedRows > 0n;
}

export async function deleteAssessmentRow(tx: Tx, id: string): Promise<void> {
  await on(tx).deleteFrom('trace_assessments').where('id', '=', id).execute();
}

/** Assessments by trace, oldest first. */
export async function assessmentsOfTraces(
  tx: Tx,
  traceIds: readonly string[],
): Promise<ReadonlyMap<string, readonly AssessmentRecord[]>> {
  const rows: Row[] = [];
  for (const chunk of chunks(traceIds)) {
    const part = on(tx).selectFrom('trace_assessments').selectAll().where('trace_id', 'in', chunk);
    rows.push(...(await part.orderBy('created_at_ms').orderBy('id').execute()));
  }
  return grouped(rows, (row) => row.trace_id, toRecord);
}

function toRow(record: AssessmentRecord): Row {
  return {
    id: record.id,
    trace_id: record.traceId,
    kind: record.kind,
    name: record.name,
    value: pythonDumps(record.value),
    number: typeof record.value === 'number' ? record.value : null,
    error: record.error && JSON.stringify(record.error),
    source_type: record.sourceType,
    source_id: record.sourceId,
    span_id: record.spanId,
    rationale: record.rationale,
    metadata: record.metadata && JSON.stringify(record.metadata),
    overrides: record.overrides,
    is_valid: Number(record.isValid),
    created_at_ms: record.createdAtMs,
    updated_at_ms: record.updatedAtMs,
  };
}

function toRecord(row: Row): AssessmentRecord {
  return {
    id: row.id,
    traceId: row.trace_id,
    kind: row.kind,
    name: row.name,
    value: JSON.parse(row.value),
    error: row.error === null ? null : errorSchema.parse(JSON.parse(row.error)),
    sourceType: row.source_type,
    sourceId: row.source_id,
    spanId: row.span_id,
    rationale: row.rationale,
    metadata: row.metadata === null ? null : metadataSchema.parse(JSON.parse(row.metadata)),
    overrides: row.overrides,
    isValid: row.is_valid === 1,
    createdAtMs: row.created_at_ms,
    updatedAtMs: row.updated_at_ms,
  };
}

import { sql } from 'kysely';
import type { Tx } from '../../../../platform/db/index.ts';
import { chunks } from '../../store/chunks.ts';
import { grouped } from '../../store/tables.ts';
import type { SpanRecord } from '../records.ts';
import { on } from './tables.ts';

/** Writes spans of a trace; one that is sent again replaces what is there. */
export async function putSpans(tx: Tx, traceId: string, spans: readonly SpanRecord[]): Promise<void> {
  const bySpanId = [...new Map(spans.map((span) => [span.spanId, span])).values()];
  const rows = bySpanId
    .map((span) => ({
      trace_id: traceId,
      span_id: span.spanId,
      parent_id: span.parentId,
      name: span.name,
      type: span.type,
      status: span.status,
      start_ns: span.startNs,
      end_ns: span.endNs,
      content: span.content,
    }))
    .sort((a, b) => (a.span_id < b.span_id ? -1 : 1));
  for (const chunk of chunks(rows, 1000)) {
    await on(tx)
      .insertInto('trace_spans')
      .values(chunk)
      .onConflict((c) =>
        c.columns(['trace_id', 'span_id']).doUpdateSet({
          parent_id: sql`excluded.parent_id`,
          name: sql`excluded.name`,
          type: sql`excluded.type`,
          status: sql`excluded.status`,
          start_ns: sql`excluded.start_ns`,
          end_ns: sql`excluded.end_ns`,
          content: sql`excluded.content`,
        }),
      )
      .execute();
  }
}

/** The spans of traces: roots first, then by start. */
export async function spansOfTraces(
  tx: Tx,
  ids: readonly string[],
): Promise<ReadonlyMap<string, readonly SpanRecord[]>> {
  const rows = [];
  for (const chunk of chunks(ids)) {
    rows.push(
      ...(await on(tx).selectFrom('trace_spans').selectAll().where('trace_id', 'in', chunk).execute()),
    );
  }
  rows.sort((a, b) => {
    const rank = Number(a.parent_id !== null) - Number(b.parent_id !== null);
    return rank || compare(a.start_ns, b.start_ns) || compare(a.span_id, b.span_id);
  });
  return grouped(
    rows,
    (row) => row.trace_id,
    (row) => ({
      spanId: row.span_id,
      parentId: row.parent_id,
      name: row.name,
      type: row.type,
      status: row.status,
      startNs: row.start_ns,
      endNs: row.end_ns,
      content: row.content,
    }),
  );
}

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

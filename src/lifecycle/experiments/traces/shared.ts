import { z } from 'zod';
import { fail } from '../../../core/errors.ts';
import type { Tx } from '../../../platform/db/index.ts';
import { parseExperimentId, type Tag } from '../validation.ts';
import { type SpanRecord, spansInStore, type TraceRecord, traceKeys } from './records.ts';
import type { TraceRow } from './store/tables.ts';
import { findTraceRow, hydrateTraces, traceRowsByIds } from './store/traces.ts';

export interface TraceQuery {
  /** Null: all experiments. */
  readonly experimentIds: readonly string[] | null;
  readonly filter?: string | undefined;
  readonly orderBy?: readonly string[] | undefined;
  readonly limit: number;
  readonly after?: string | undefined;
}

export interface TraceWithSpans {
  readonly trace: TraceRecord;
  readonly spans: readonly SpanRecord[];
}

/** The error `trace_unknown`, in the words of MLflow’s server. */
export const traceUnknown = (problem: string): Error => fail('trace_unknown', { problem });

/** Traces by id, in this order (of an id that is named twice, the last place); unknown ones, and those outside the experiments, are left out. */
export async function loadTraces(
  tx: Tx,
  ids: readonly string[],
  experimentIds: readonly string[] | null = null,
): Promise<readonly TraceRecord[]> {
  const inside = experimentIds?.map(parseExperimentId) ?? null;
  const rows = await hydrateTraces(tx, await traceRowsByIds(tx, ids, inside));
  const byId = new Map(rows.map((trace) => [trace.id, trace]));
  return [...new Set([...ids].reverse())].reverse().flatMap((id) => byId.get(id) ?? []);
}

/** A trace without spans. Throws `trace_unknown`. */
export async function loadTrace(tx: Tx, id: string): Promise<TraceRecord> {
  const [trace] = await loadTraces(tx, [id]);
  if (!trace) throw traceUnknown(`Trace with ID '${id}' not found.`);
  return trace;
}

/** A trace's row. Throws `trace_unknown`. */
export async function traceById(tx: Tx, id: string): Promise<TraceRow> {
  const row = await findTraceRow(tx, id);
  if (!row) throw traceUnknown(`Trace with ID '${id}' not found.`);
  return row;
}

/** Whether this server keeps the trace's spans; older clients keep them in an artifact. */
export function spansAreHere(trace: TraceRecord): boolean {
  return tagValue(trace.tags, traceKeys.spansLocation) === spansInStore;
}

const sizeStatsSchema = z.object({ num_spans: z.number().default(0) });

/** Whether as many spans are here as the trace's client said it has. */
export function isComplete({ trace, spans }: TraceWithSpans): boolean {
  if (spans.length === 0) return false;
  const stats = tagValue(trace.metadata, traceKeys.sizeStats);
  if (!stats) return true;
  try {
    return spans.length >= sizeStatsSchema.parse(JSON.parse(stats)).num_spans;
  } catch {
    return true;
  }
}

/** The value of the first pair with a key; undefined when there is none. */
export function tagValue(tags: readonly Tag[], key: string): string | undefined {
  return tags.find((tag) => tag.key === key)?.value;
}

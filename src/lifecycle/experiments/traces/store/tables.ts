import { type Tx, tables } from '../../../../platform/db/index.ts';
import type { AssessmentKind, SpanRecord, TraceState } from '../records.ts';

/** The tables of traces (../migrations.ts). Flags are 0 or 1, times epoch milliseconds unless they say so. */
export interface TraceTables {
  traces: {
    id: string;
    experiment_id: number;
    start_time_ms: number;
    duration_ms: number | null;
    state: TraceState;
    client_request_id: string | null;
    request_preview: string | null;
    response_preview: string | null;
    /** Whether its client has said all about the trace itself, so that spans change it no more. */
    is_final: number;
  };
  trace_tags: { trace_id: string; key: string; value: string };
  trace_metadata: { trace_id: string; key: string; value: string };
  trace_runs: { run_id: string; trace_id: string };
  trace_prompts: { prompt: string; trace_id: string };
  trace_spans: {
    trace_id: string;
    span_id: string;
    parent_id: string | null;
    name: string;
    type: string | null;
    status: SpanRecord['status'];
    start_ns: string;
    end_ns: string | null;
    content: string;
  };
  trace_assessments: {
    id: string;
    trace_id: string;
    kind: AssessmentKind;
    name: string;
    /** JSON as Python writes it. */
    value: string;
    /** The value again when it is a number, for comparing. */
    number: number | null;
    error: string | null;
    source_type: string;
    source_id: string | null;
    span_id: string | null;
    rationale: string | null;
    metadata: string | null;
    overrides: string | null;
    is_valid: number;
    created_at_ms: number;
    updated_at_ms: number;
  };
}
export type TraceRow = TraceTables['traces'];

export const on = (tx: Tx) => tables<TraceTables>(tx);

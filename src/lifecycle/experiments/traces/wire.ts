import { formatTime } from '../../../core/time.ts';
import type { Trace, TraceDetail, TraceSpan } from './contract.ts';
import { type SpanRecord, type TraceRecord, traceKeys } from './records.ts';
import { isComplete, type TraceWithSpans, tagValue } from './shared.ts';
import { spanContent } from './span-content.ts';
import { spanTree } from './tree.ts';

const textMap = (pairs: TraceRecord['tags']): Record<string, string> =>
  Object.fromEntries(pairs.map(({ key, value }) => [key, value]));

/** A trace as our REST API shows it: times in RFC 3339, what MLflow keeps in tags and metadata as fields. */
export function traceWire(trace: TraceRecord): Trace {
  return {
    id: trace.id,
    name: tagValue(trace.tags, traceKeys.name) ?? null,
    experimentId: trace.experimentId,
    state: trace.state,
    startTime: formatTime(trace.startTimeMs),
    durationMs: trace.durationMs,
    requestPreview: trace.requestPreview,
    responsePreview: trace.responsePreview,
    clientRequestId: trace.clientRequestId,
    sourceRunId: tagValue(trace.metadata, traceKeys.sourceRun) ?? null,
    session: tagValue(trace.metadata, traceKeys.session) ?? null,
    user: tagValue(trace.metadata, traceKeys.user) ?? null,
    tags: textMap(trace.tags),
    metadata: textMap(trace.metadata),
    assessments: trace.assessments.map((a) => ({
      id: a.id,
      kind: a.kind,
      name: a.name,
      value: a.value,
      error: a.error === null ? null : { ...a.error },
      sourceType: a.sourceType,
      sourceId: a.sourceId,
      spanId: a.spanId,
      rationale: a.rationale,
      isValid: a.isValid,
      createdAt: formatTime(a.createdAtMs),
    })),
  };
}

/** The same with its spans as a tree laid flat, their times from the start of the first. */
export function traceDetailWire(found: TraceWithSpans): TraceDetail {
  const starts = found.spans.map((span) => BigInt(span.startNs)).sort((a, b) => (a < b ? -1 : 1));
  const firstNs = starts[0] ?? 0n;
  return {
    ...traceWire(found.trace),
    spans: spanTree(found.spans).map(({ span, depth }) => spanWire(span, depth, firstNs)),
    isComplete: isComplete(found),
  };
}

function spanWire(span: SpanRecord, depth: number, firstNs: bigint): TraceSpan {
  const { attributes, events, status } = spanContent(span);
  const values = Object.fromEntries(Object.entries(attributes).map(([key, text]) => [key, plainValue(text)]));
  const {
    [traceKeys.inputs]: inputs,
    [traceKeys.outputs]: outputs,
    [traceKeys.requestId]: _,
    ...rest
  } = values;
  return {
    id: span.spanId,
    parentId: span.parentId,
    depth,
    name: span.name,
    type: span.type,
    status: span.status,
    statusMessage: status.message,
    startTime: nanoTime(span.startNs),
    offsetMs: Number(BigInt(span.startNs) - firstNs) / 1e6,
    durationMs: span.endNs === null ? null : Number(BigInt(span.endNs) - BigInt(span.startNs)) / 1e6,
    inputs: inputs ?? null,
    outputs: outputs ?? null,
    attributes: rest,
    events: events.map((event) => ({
      name: event.name,
      time: nanoTime(JSON.stringify(event.time_unix_nano)),
      attributes: JSON.parse(JSON.stringify(event.attributes)) as Record<string, unknown>,
    })),
  };
}

const nanoTime = (ns: string): string => formatTime(Number(BigInt(ns) / 1_000_000n));

/** The value of an attribute for a screen: numbers beyond 2^53 are rounded, what is no JSON is text. */
function plainValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

import type { IncomingSpan, TraceRecord } from './records.ts';

/** A span of a trace that is named by one hexadecimal digit, with what a test changes of it. */
export function incomingSpan(trace: string, span: string, change: Partial<IncomingSpan> = {}): IncomingSpan {
  return {
    traceId: trace.repeat(32),
    spanId: span.repeat(16),
    parentSpanId: null,
    name: `span ${span}`,
    startNs: '1700000000000000001',
    endNs: '1700000000250000001',
    status: { code: 'OK', message: '' },
    attributes: [],
    events: [],
    links: [],
    resource: [],
    ...change,
  };
}

/** What a client says of such a trace. */
export function newTrace(
  trace: string,
  experimentId: string,
  change: Partial<TraceRecord> = {},
): TraceRecord {
  return {
    id: `tr-${trace.repeat(32)}`,
    experimentId,
    startTimeMs: 1_700_000_000_000,
    durationMs: 250,
    state: 'OK',
    clientRequestId: null,
    requestPreview: null,
    responsePreview: null,
    tags: [],
    metadata: [],
    assessments: [],
    ...change,
  };
}

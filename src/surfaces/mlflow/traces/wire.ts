import { exactInteger, isExact, parseExact } from '../../../core/exact-json.ts';
import {
  type AssessmentRecord,
  plainNs,
  type SpanRecord,
  spanContent,
  type Tag,
  type TraceRecord,
} from '../../../lifecycle/experiments/index.ts';
import { list, optional } from '../wire.ts';

type Json = Readonly<Record<string, unknown>>;

const largestText = 250;
const largestTagText = 4096;

const mapOf = (pairs: readonly Tag[], largestValue: number): Record<string, string> =>
  Object.fromEntries(
    pairs.map(({ key, value }) => [key.slice(0, largestText), value.slice(0, largestValue)]),
  );

/** `{ [name]: map }`, or nothing when it is empty. */
function map(name: string, pairs: readonly Tag[], largestValue: number): Json {
  return pairs.length > 0 ? { [name]: mapOf(pairs, largestValue) } : {};
}

/** A time in the JSON of protobuf: fractions only where there are any. */
function timestampJson(timeMs: number): string {
  return new Date(timeMs).toISOString().replace('.000Z', 'Z');
}

/** A span of time in the JSON of protobuf, in seconds: `0.723s`. */
function durationJson(durationMs: number): string {
  const sign = durationMs < 0 ? '-' : '';
  const whole = Math.trunc(Math.abs(durationMs) / 1000);
  const rest = Math.abs(durationMs) % 1000;
  return `${sign}${whole}${rest === 0 ? '' : `.${String(rest).padStart(3, '0')}`}s`;
}

/** MLflow 3's `TraceInfoV3`. */
export function traceInfoJson(trace: TraceRecord): Json {
  return {
    trace_id: trace.id,
    ...optional('client_request_id', trace.clientRequestId),
    trace_location: {
      type: 'MLFLOW_EXPERIMENT',
      mlflow_experiment: { experiment_id: trace.experimentId },
    },
    ...optional('request_preview', trace.requestPreview),
    ...optional('response_preview', trace.responsePreview),
    request_time: timestampJson(trace.startTimeMs),
    ...(trace.durationMs === null ? {} : { execution_duration: durationJson(trace.durationMs) }),
    state: trace.state,
    ...map('trace_metadata', trace.metadata, largestText),
    ...list('assessments', trace.assessments.map(assessmentJson)),
    ...map('tags', trace.tags, largestTagText),
  };
}

/** The `TraceInfo` of clients before MLflow 3. */
export function oldTraceInfoJson(trace: TraceRecord): Json {
  const status = trace.state === 'STATE_UNSPECIFIED' ? 'TRACE_STATUS_UNSPECIFIED' : trace.state;
  const pairs = (items: readonly Tag[], largestValue: number) =>
    Object.entries(mapOf(items, largestValue)).map(([key, value]) => ({ key, value }));
  return {
    request_id: trace.id,
    experiment_id: trace.experimentId,
    timestamp_ms: trace.startTimeMs,
    execution_time_ms: trace.durationMs ?? 0,
    status,
    ...list('request_metadata', pairs(trace.metadata, largestText)),
    ...list('tags', pairs(trace.tags, largestTagText)),
  };
}

/** A span in the JSON of OTLP's protobuf, as MLflow's server writes it; 64-bit integers are numbers. */
function spanJson(span: SpanRecord, traceId: string): Json {
  const content = spanContent(span);
  return {
    trace_id: traceId,
    span_id: base64(span.spanId),
    ...(span.parentId === null ? {} : { parent_span_id: base64(span.parentId) }),
    name: span.name,
    start_time_unix_nano: exactInteger(plainNs(span.startNs)),
    ...(span.endNs === null ? {} : { end_time_unix_nano: exactInteger(plainNs(span.endNs)) }),
    ...list(
      'attributes',
      Object.entries(content.attributes).map(([key, text]) => ({
        key,
        value: valueJson(attributeValue(text)),
      })),
    ),
    ...list(
      'events',
      content.events.map((event) => ({
        time_unix_nano: event.time_unix_nano,
        name: event.name,
        ...keyValues(event.attributes),
      })),
    ),
    ...list(
      'links',
      content.links.map((link) => ({
        trace_id: base64(link.trace_id.replace(/^tr-/, '')),
        span_id: base64(link.span_id),
        ...keyValues(link.attributes ?? {}),
      })),
    ),
    status: {
      ...(content.status.message ? { message: content.status.message } : {}),
      ...(span.status === 'UNSET' ? {} : { code: `STATUS_CODE_${span.status}` }),
    },
  };
}

/** A trace with its spans. */
export function traceJson(trace: TraceRecord, spans: readonly SpanRecord[]): Json {
  const traceId = base64(trace.id.replace(/^tr-/, ''));
  return {
    trace_info: traceInfoJson(trace),
    ...list(
      'spans',
      spans.map((span) => spanJson(span, traceId)),
    ),
  };
}

const base64 = (hex: string): string => Buffer.from(hex, 'hex').toString('base64');

function keyValues(attributes: Readonly<Record<string, unknown>>): Json {
  return list(
    'attributes',
    Object.entries(attributes).map(([key, value]) => ({ key, value: valueJson(value) })),
  );
}

/** The value that an attribute's JSON text holds; text that is no JSON is the value itself. */
function attributeValue(text: string): unknown {
  if (text === 'NaN' || text === 'Infinity' || text === '-Infinity') return Number(text);
  try {
    return parseExact(text);
  } catch {
    return text;
  }
}

function valueJson(value: unknown): Json {
  if (isExact(value)) {
    return /[.eE]/.test(value.rawJSON) ? { double_value: value } : { int_value: value };
  }
  if (typeof value === 'number') return { double_value: String(value) };
  if (typeof value === 'string') return { string_value: value };
  if (typeof value === 'boolean') return { bool_value: value };
  if (Array.isArray(value)) return { array_value: list('values', value.map(valueJson)) };
  if (typeof value === 'object' && value !== null) {
    const values = Object.entries(value).map(([key, item]) => ({ key, value: valueJson(item) }));
    return { kvlist_value: list('values', values) };
  }
  return {};
}

export function assessmentJson(assessment: AssessmentRecord): Json {
  const { kind, value, error } = assessment;
  return {
    assessment_id: assessment.id,
    assessment_name: assessment.name,
    trace_id: assessment.traceId,
    ...optional('span_id', assessment.spanId),
    source: { source_type: assessment.sourceType, ...optional('source_id', assessment.sourceId) },
    create_time: timestampJson(assessment.createdAtMs),
    last_update_time: timestampJson(assessment.updatedAtMs),
    ...(kind === 'feedback'
      ? { feedback: { ...(value === null ? {} : { value }), ...(error ? { error } : {}) } }
      : {}),
    ...(kind === 'expectation' ? { expectation: expectationJson(value) } : {}),
    ...(kind === 'issue' ? { issue: { issue_name: value } } : {}),
    ...optional('rationale', assessment.rationale),
    ...(assessment.metadata && Object.keys(assessment.metadata).length > 0
      ? { metadata: assessment.metadata }
      : {}),
    ...optional('overrides', assessment.overrides),
    valid: assessment.isValid,
  };
}

/** Plain values stand as they are; lists and objects as JSON text, as MLflow's clients write them. */
function expectationJson(value: unknown): Json {
  if (typeof value !== 'object' || value === null) return { value };
  return { serialized_value: { serialization_format: 'JSON_FORMAT', value: JSON.stringify(value) } };
}

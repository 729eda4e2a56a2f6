import { exactInteger, parseExact, pythonDumps } from '../../../core/exact-json.ts';
import { type AttributeValue, type IncomingSpan, type SpanRecord, traceKeys } from './records.ts';
import { type AttributeTexts, attributeText, translated } from './translation.ts';

/** The part of a stored span's content that readers need. Attribute values are JSON text. */
interface SpanContent {
  readonly attributes: Readonly<Record<string, string>>;
  readonly events: readonly {
    readonly name: string;
    readonly time_unix_nano: unknown;
    readonly attributes: Readonly<Record<string, unknown>>;
  }[];
  readonly status: { readonly code: string; readonly message: string };
  readonly links: readonly {
    readonly trace_id: string;
    readonly span_id: string;
    readonly attributes: Readonly<Record<string, unknown>> | null;
  }[];
}

/** MLflow’s name of a trace, by OpenTelemetry’s id of 32 hex digits. */
export const traceIdOf = (hexTraceId: string): string => `tr-${hexTraceId}`;
const base64 = (hex: string): string => Buffer.from(hex, 'hex').toString('base64');
const paddedNs = (digits: string): string => digits.padStart(20, '0');

/** The span to store. As in MLflow's server, the trace id comes from the wire and not from an attribute. */
export function storedSpan({ span, attributes }: ReadSpan): SpanRecord {
  const content = {
    trace_id: base64(span.traceId),
    span_id: base64(span.spanId),
    parent_span_id: span.parentSpanId === null ? null : base64(span.parentSpanId),
    name: span.name,
    start_time_unix_nano: exactInteger(span.startNs),
    end_time_unix_nano: span.endNs === null ? null : exactInteger(span.endNs),
    events: span.events.map((event) => ({
      name: event.name,
      time_unix_nano: exactInteger(event.timeNs),
      attributes: plainValues(event.attributes),
    })),
    status: { code: `STATUS_CODE_${span.status.code}`, message: span.status.message },
    attributes,
    links: span.links.map((link) => ({
      trace_id: traceIdOf(link.traceId),
      span_id: link.spanId,
      attributes: link.attributes.length > 0 ? plainValues(link.attributes) : null,
    })),
  };
  return {
    spanId: span.spanId,
    parentId: span.parentSpanId,
    name: span.name,
    type: textOf(attributes[traceKeys.spanType]),
    status: span.status.code,
    startNs: paddedNs(span.startNs),
    endNs: span.endNs === null ? null : paddedNs(span.endNs),
    content: pythonDumps(content),
  };
}

/** Attributes of events and links, which are stored as they are: what JSON has no number for becomes its name. */
function plainValues(attributes: readonly (readonly [string, AttributeValue])[]) {
  return Object.fromEntries(
    attributes.map(([key, value]) => [key, typeof value === 'number' ? String(value) : value]),
  );
}

/** A span that came in, with its attributes as they are stored. */
export interface ReadSpan {
  readonly span: IncomingSpan;
  readonly attributes: AttributeTexts;
}

/**
 * Reads the attributes of a span, in MLflow's names too. A root span names the program that sent it, where that is
 * one of the programs that people run as they are.
 */
export function readSpan(span: IncomingSpan): ReadSpan {
  const texts = span.attributes.map(([key, value]) => [key, attributeText(value)] as const);
  const service = span.resource.find(([key]) => key === 'service.name')?.[1];
  const isNamed = span.parentSpanId === null && typeof service === 'string' && knownServices.has(service);
  const attributes = {
    ...Object.fromEntries(texts),
    ...(isNamed ? { 'service.name': JSON.stringify(service) } : {}),
    [traceKeys.requestId]: JSON.stringify(traceIdOf(span.traceId)),
  };
  return { span, attributes: translated(attributes, span.events) };
}

/** Whose root spans carry their service's name: the list of MLflow's server (`server/otel_api.py`). */
const knownServices: ReadonlySet<string> = new Set([
  'claude-code',
  'codex_cli_rs',
  'codex_vscode',
  'gemini-cli',
  'qwen-code',
]);

/** The text of a JSON string; the JSON itself of anything else; null when there is none. */
export function textOf(json: string | undefined): string | null {
  if (json === undefined) return null;
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'string' ? value : json;
  } catch {
    return json;
  }
}

/**
 * Reads what is stored, with exact numbers. Not held against a schema: a trace may have thousands of spans, and the
 * text is what this server wrote.
 */
export function spanContent(span: Pick<SpanRecord, 'content'>): SpanContent {
  return parseExact(span.content) as SpanContent;
}

/** The digits of epoch nanoseconds without the zeros they are stored with. */
export function plainNs(padded: string): string {
  return padded.replace(/^0+(?=\d)/, '');
}

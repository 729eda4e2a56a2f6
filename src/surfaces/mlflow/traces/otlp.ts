import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { exactDouble, exactInteger, isExact, parseExact } from '../../../core/exact-json.ts';
import { installationDirectory } from '../../../core/installation.ts';
import type { IncomingSpan } from '../../../lifecycle/experiments/index.ts';

/**
 * Messages of otlp.proto as both encodings give them: names in camelCase; ids as hexadecimal digits in JSON and as
 * bytes in protobuf; 64-bit integers as digits.
 */
interface OtlpRequest {
  readonly resourceSpans?: readonly {
    readonly resource?: { readonly attributes?: readonly OtlpKeyValue[] };
    readonly scopeSpans?: readonly { readonly spans?: readonly OtlpSpan[] }[];
  }[];
}
interface OtlpSpan {
  readonly traceId?: unknown;
  readonly spanId?: unknown;
  readonly parentSpanId?: unknown;
  readonly name?: string;
  readonly startTimeUnixNano?: unknown;
  readonly endTimeUnixNano?: unknown;
  readonly attributes?: readonly OtlpKeyValue[];
  readonly events?: readonly {
    readonly timeUnixNano?: unknown;
    readonly name?: string;
    readonly attributes?: readonly OtlpKeyValue[];
  }[];
  readonly links?: readonly {
    readonly traceId?: unknown;
    readonly spanId?: unknown;
    readonly attributes?: readonly OtlpKeyValue[];
  }[];
  readonly status?: { readonly message?: string; readonly code?: unknown };
}
interface OtlpKeyValue {
  readonly key?: string;
  readonly value?: OtlpValue;
}
interface OtlpValue {
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  readonly intValue?: unknown;
  readonly doubleValue?: unknown;
  readonly arrayValue?: { readonly values?: readonly OtlpValue[] };
  readonly kvlistValue?: { readonly values?: readonly OtlpKeyValue[] };
  readonly bytesValue?: unknown;
}

/** The spans of a request; null when the body is not one. Throws `RangeError` where a span lacks its ids. */
export async function readOtlp(
  body: Uint8Array,
  encoding: 'protobuf' | 'json',
): Promise<{ readonly hasResources: boolean; readonly spans: readonly IncomingSpan[] } | null> {
  try {
    const request = encoding === 'json' ? readJson(body) : ((await readProtobuf(body)) as OtlpRequest);
    const resources = request.resourceSpans ?? [];
    const spans = resources.flatMap(({ resource, scopeSpans = [] }) => {
      const attributes = keyValues(resource?.attributes);
      return scopeSpans.flatMap((scope) => (scope.spans ?? []).map((span) => readSpan(span, attributes)));
    });
    return { hasResources: resources.length > 0, spans };
  } catch (error) {
    if (error instanceof MissingIds) throw error;
    return null;
  }
}

/** A span without the ids that place it. */
class MissingIds extends RangeError {}

function readJson(body: Uint8Array): OtlpRequest {
  const value = parseExact(Buffer.from(body).toString('utf8'));
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new SyntaxError('no object');
  return value as OtlpRequest;
}

async function readProtobuf(body: Uint8Array): Promise<unknown> {
  // Loaded when the first spans come: most servers get none.
  const { default: protobuf } = await import('protobufjs');
  const { root } = protobuf.parse(
    readFileSync(join(installationDirectory, 'src/surfaces/mlflow/traces/otlp.proto'), 'utf8'),
  );
  const type = root.lookupType('otlp.ExportTraceServiceRequest');
  return type.toObject(type.decode(body), { longs: String });
}

function readSpan(span: OtlpSpan, resource: IncomingSpan['resource']): IncomingSpan {
  const traceId = hex(span.traceId);
  const spanId = hex(span.spanId);
  if (traceId === '' || spanId === '') throw new MissingIds('a span needs a trace id and a span id');
  const endNs = digits(span.endTimeUnixNano);
  return {
    traceId,
    spanId,
    parentSpanId: hex(span.parentSpanId) || null,
    name: span.name ?? '',
    startNs: digits(span.startTimeUnixNano),
    endNs: endNs === '0' ? null : endNs,
    status: { code: statusCode(span.status?.code), message: span.status?.message ?? '' },
    attributes: keyValues(span.attributes),
    events: (span.events ?? []).map((event) => ({
      name: event.name ?? '',
      timeNs: digits(event.timeUnixNano),
      attributes: keyValues(event.attributes),
    })),
    links: (span.links ?? []).map((link) => ({
      traceId: hex(link.traceId),
      spanId: hex(link.spanId),
      attributes: keyValues(link.attributes),
    })),
    resource,
  };
}

function statusCode(code: unknown): 'UNSET' | 'OK' | 'ERROR' {
  const number = isExact(code) ? Number(code.rawJSON) : code;
  if (number === 1 || number === 'STATUS_CODE_OK') return 'OK';
  return number === 2 || number === 'STATUS_CODE_ERROR' ? 'ERROR' : 'UNSET';
}

/** The digits of an id, from bytes or from digits. Throws `SyntaxError` for other text. */
function hex(id: unknown): string {
  if (id === undefined) return '';
  if (id instanceof Uint8Array) return Buffer.from(id).toString('hex');
  if (typeof id === 'string' && /^(?:[0-9a-f]{2})*$/i.test(id)) return id.toLowerCase();
  throw new SyntaxError('ids are hexadecimal digits');
}

/** The digits of an integer. Throws `SyntaxError` for anything else. */
function digits(value: unknown): string {
  const text = value === undefined ? '0' : isExact(value) ? value.rawJSON : String(value);
  if (!/^-?\d{1,20}$/.test(text)) throw new SyntaxError('times are whole numbers');
  return text;
}

function keyValues(items: readonly OtlpKeyValue[] | undefined): readonly (readonly [string, unknown])[] {
  return (items ?? []).map(({ key = '', value }) => [key, readValue(value)] as const);
}

function readValue(value: OtlpValue | undefined): unknown {
  if (value === undefined) return null;
  if (value.stringValue !== undefined) return value.stringValue;
  if (value.boolValue !== undefined) return value.boolValue;
  if (value.intValue !== undefined) return exactInteger(digits(value.intValue));
  if (value.doubleValue !== undefined) {
    return exactDouble(Number(isExact(value.doubleValue) ? value.doubleValue.rawJSON : value.doubleValue));
  }
  if (value.arrayValue !== undefined) return (value.arrayValue.values ?? []).map(readValue);
  if (value.kvlistValue !== undefined) return Object.fromEntries(keyValues(value.kvlistValue.values));
  if (value.bytesValue instanceof Uint8Array) return Buffer.from(value.bytesValue).toString('base64');
  return value.bytesValue ?? null;
}

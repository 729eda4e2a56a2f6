import type { TraceContext } from './trace-context.ts';

/** A span that has ended. */
export interface EndedSpan {
  readonly context: TraceContext;
  readonly parentSpanId: string;
  readonly name: string;
  /** Epoch milliseconds, with fractions. */
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  /** What went wrong; null when nothing did. */
  readonly error: string | null;
}

interface SpanExporterOptions {
  /** Where spans go: OTLP over HTTP with JSON, for instance http://collector:4318/v1/traces. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly serviceName: string;
  readonly onProblem: (error: unknown) => void;
}

const flushEveryMs = 5_000;
const batchSpans = 512;
const mostWaiting = 4_096;
const sendTimeoutMs = 10_000;
const serverKind = 2;
const errorStatus = 2;

/**
 * Sends spans to an OpenTelemetry collector in bundles, beside the work that they tell of. A collector that is away or
 * slow costs spans, never requests: what does not fit into the queue is dropped and counted.
 */
export class SpanExporter {
  readonly #options: SpanExporterOptions;
  readonly #timer: NodeJS.Timeout;
  #waiting: EndedSpan[] = [];
  #sending: Promise<void> | null = null;
  #dropped = 0;

  constructor(options: SpanExporterOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.flush(), flushEveryMs).unref();
  }

  get dropped(): number {
    return this.#dropped;
  }

  add(span: EndedSpan): void {
    if (this.#waiting.length >= mostWaiting) {
      this.#dropped++;
      return;
    }
    this.#waiting.push(span);
    if (this.#waiting.length === batchSpans) void this.flush();
  }

  /** Sends what waits; resolves when it has been taken or given up. */
  async flush(): Promise<void> {
    while (this.#sending) await this.#sending;
    const spans = this.#waiting;
    if (spans.length === 0) return;
    this.#waiting = [];
    this.#sending = this.#send(spans).finally(() => {
      this.#sending = null;
    });
    await this.#sending;
  }

  /** Sends the last spans and ends. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }

  async #send(spans: readonly EndedSpan[]): Promise<void> {
    const { url, headers, serviceName, onProblem } = this.#options;
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(request(spans, serviceName)),
        signal: AbortSignal.timeout(sendTimeoutMs),
      });
      await response.body?.cancel();
      if (!response.ok) throw new Error(`the collector answered ${response.status}`);
    } catch (error) {
      this.#dropped += spans.length;
      onProblem(error);
    }
  }
}

/** ExportTraceServiceRequest in OTLP's JSON. */
function request(spans: readonly EndedSpan[], serviceName: string): object {
  return {
    resourceSpans: [
      {
        resource: { attributes: [attribute('service.name', serviceName)] },
        scopeSpans: [{ scope: { name: 'millrace' }, spans: spans.map(toOtlp) }],
      },
    ],
  };
}

function toOtlp({ context, parentSpanId, name, startMs, endMs, attributes, error }: EndedSpan): object {
  return {
    traceId: context.traceId,
    spanId: context.spanId,
    parentSpanId,
    name,
    kind: serverKind,
    startTimeUnixNano: nanoseconds(startMs),
    endTimeUnixNano: nanoseconds(endMs),
    attributes: Object.entries(attributes).map(([key, value]) => attribute(key, value)),
    status: error === null ? {} : { code: errorStatus, message: error },
  };
}

/** Nanoseconds as text: they do not fit into a double. */
function nanoseconds(ms: number): string {
  return String(BigInt(Math.round(ms * 1000)) * 1000n);
}

function attribute(key: string, value: string | number | boolean): object {
  if (typeof value === 'string') return { key, value: { stringValue: value } };
  if (typeof value === 'boolean') return { key, value: { boolValue: value } };
  return { key, value: Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value } };
}

/**
 * An exporter as OpenTelemetry's own variables ask for one (OTEL_EXPORTER_OTLP_ENDPOINT, …_TRACES_ENDPOINT, …_HEADERS,
 * OTEL_SERVICE_NAME, OTEL_SDK_DISABLED); null when none asks.
 */
export function exporterOf(
  env: Readonly<Record<string, string | undefined>>,
  serviceName: string,
  onProblem: (error: unknown) => void,
): SpanExporter | null {
  if (env.OTEL_SDK_DISABLED === 'true' || env.OTEL_TRACES_EXPORTER === 'none') return null;
  const base = env.OTEL_EXPORTER_OTLP_ENDPOINT;
  const url =
    env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || (base && `${base.replace(/\/+$/, '')}/v1/traces`) || null;
  if (!url) return null;
  const text = env.OTEL_EXPORTER_OTLP_TRACES_HEADERS ?? env.OTEL_EXPORTER_OTLP_HEADERS ?? '';
  return new SpanExporter({
    url,
    headers: headersOf(text),
    serviceName: env.OTEL_SERVICE_NAME || serviceName,
    onProblem,
  });
}

/** `key=value,key=value`, values percent-encoded. */
function headersOf(text: string): Record<string, string> {
  const pairs = text.split(',').flatMap((pair) => {
    const [name = '', value] = pair.split(/=(.*)/s, 2).map((word) => word.trim());
    return name !== '' && value !== undefined ? [[name.toLowerCase(), decodeURIComponent(value)]] : [];
  });
  return Object.fromEntries(pairs);
}

import { MillraceError } from '../../../core/errors.ts';
import {
  childOf,
  formatTraceparent,
  parseTraceparent,
  type SpanExporter,
} from '../../../platform/tracing/index.ts';
import type { Call } from './methods.ts';
import { failureOf, grpcStatus } from './status.ts';

/** What is known of a prediction's end. */
type EndSpan = (error: unknown) => void;

const notTraced: EndSpan = () => {};

/**
 * Takes part in the caller's trace, as requests over HTTP do: the call goes on under a span of our own, which is
 * recorded when the caller records the trace.
 *
 * @param method `<service>/<method>`
 * @returns the call to go on with, and what to call at its end with the error or null
 */
export function spanOf<C extends Call>(
  call: C,
  method: string,
  spans: SpanExporter | undefined,
): { readonly call: C; readonly end: EndSpan } {
  const { headers } = call;
  if (headers.traceparent === undefined) return { call, end: notTraced };
  const parent = parseTraceparent(headers.traceparent);
  if (!parent) return { call: { ...call, headers: { ...headers, traceparent: undefined } }, end: notTraced };
  const context = childOf(parent);
  const traced = { ...call, headers: { ...headers, traceparent: formatTraceparent(context) } };
  if (!spans || !parent.sampled) return { call: traced, end: notTraced };
  const startMs = performance.timeOrigin + performance.now();
  const end = (error: unknown) => {
    const status = error === null ? grpcStatus.ok : failureOf(error).status;
    const code = error instanceof MillraceError ? error.code : null;
    const [service, name] = method.split('/');
    spans.add({
      context,
      parentSpanId: parent.spanId,
      name: method,
      startMs,
      endMs: performance.timeOrigin + performance.now(),
      attributes: {
        'rpc.system': 'grpc',
        'rpc.service': service ?? '',
        'rpc.method': name ?? '',
        'rpc.grpc.status_code': status,
        ...(code === null ? {} : { 'error.type': code }),
      },
      error: failed.has(status) ? (code ?? String(status)) : null,
    });
  };
  return { call: traced, end };
}

/** Statuses that are the server's own fault, by OpenTelemetry's conventions for gRPC. */
const failed: ReadonlySet<number> = new Set([
  grpcStatus.unknown,
  grpcStatus.deadlineExceeded,
  grpcStatus.unimplemented,
  grpcStatus.internal,
  grpcStatus.unavailable,
]);

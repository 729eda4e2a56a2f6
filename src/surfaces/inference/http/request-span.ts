import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  childOf,
  formatTraceparent,
  parseTraceparent,
  type SpanExporter,
} from '../../../platform/tracing/index.ts';

/**
 * Takes part in the caller's trace: the request goes on under a span of our own (its `traceparent` header is replaced,
 * which is what runtimes that compute elsewhere get), the answer names it, and the span is recorded when the caller
 * records the trace. A header that is not well formed is taken away.
 */
export function traceRequest(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  spans: SpanExporter | null,
): void {
  const parent = parseTraceparent(request.headers.traceparent);
  if (!parent) {
    delete request.headers.traceparent;
    return;
  }
  const span = childOf(parent);
  const traceparent = formatTraceparent(span);
  request.headers.traceparent = traceparent;
  response.setHeader('traceparent', traceparent);
  if (!spans || !parent.sampled) return;
  const startMs = performance.timeOrigin + performance.now();
  const method = request.method ?? '';
  response.once('close', () => {
    const code = response.getHeader('x-millrace-error');
    spans.add({
      context: span,
      parentSpanId: parent.spanId,
      name: `${method} ${path}`,
      startMs,
      endMs: performance.timeOrigin + performance.now(),
      attributes: {
        'http.request.method': method,
        'url.path': path,
        'http.response.status_code': response.statusCode,
        ...(typeof code === 'string' ? { 'error.type': code } : {}),
      },
      error: response.statusCode >= 500 ? String(code ?? response.statusCode) : null,
    });
  });
}

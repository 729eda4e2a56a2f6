export { type EndedSpan, exporterOf, SpanExporter } from './span-exporter.ts';
export {
  childOf,
  formatTraceparent,
  parseTraceparent,
  type TraceContext,
  type TraceHeaders,
} from './trace-context.ts';

import type { SpanRecord } from './records.ts';

/**
 * Spans in the order of their tree, depth first, each with its depth. A span whose parent is not there stands at
 * the top; spans that are each other's parents are listed at the end, once each.
 */
export function spanTree(
  spans: readonly SpanRecord[],
): readonly { readonly span: SpanRecord; readonly depth: number }[] {
  const ids = new Set(spans.map((span) => span.spanId));
  const children = new Map<string | null, SpanRecord[]>();
  for (const span of spans) {
    const parent = span.parentId !== null && ids.has(span.parentId) ? span.parentId : null;
    children.set(parent, [...(children.get(parent) ?? []), span]);
  }
  const found: { readonly span: SpanRecord; readonly depth: number }[] = [];
  const seen = new Set<string>();
  const waiting = (children.get(null) ?? []).map((span) => ({ span, depth: 0 })).reverse();
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    if (seen.has(next.span.spanId)) continue;
    seen.add(next.span.spanId);
    found.push(next);
    const depth = next.depth + 1;
    waiting.push(...(children.get(next.span.spanId) ?? []).map((span) => ({ span, depth })).reverse());
  }
  return [...found, ...spans.filter((s) => !seen.has(s.spanId)).map((span) => ({ span, depth: 0 }))];
}

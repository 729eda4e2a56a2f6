import { pythonDumps } from '../../../core/exact-json.ts';
import { checkKey, checkLength, type LongValues, type Tag, withinLimit } from '../validation.ts';
import { preview } from './preview.ts';
import { type IncomingSpan, type TraceState, traceKeys } from './records.ts';
import { type ReadSpan, textOf, traceIdOf } from './span-content.ts';
import type { AttributeTexts } from './translation.ts';

const largestTagValue = 8000;

/** What a batch of one trace's spans says about the trace itself. */
interface SpansSummary {
  readonly traceId: string;
  readonly startMs: number;
  readonly endMs: number | null;
  /** Null when the root span is not among them: then the trace goes on. */
  readonly state: TraceState | null;
  readonly requestPreview: string | null;
  readonly responsePreview: string | null;
  readonly sessionId: string | null;
  readonly userId: string | null;
  readonly tags: readonly { readonly key: string; readonly value: string }[];
}

/** Spans by the trace they belong to. */
export function byTrace(spans: readonly IncomingSpan[]): ReadonlyMap<string, readonly IncomingSpan[]> {
  const groups = new Map<string, IncomingSpan[]>();
  for (const span of spans) {
    const id = traceIdOf(span.traceId);
    const group = groups.get(id);
    if (group) group.push(span);
    else groups.set(id, [span]);
  }
  return groups;
}

/** Sums up a batch of spans of one trace, by the rules of MLflow's server. */
export function summarize(traceId: string, read: readonly ReadSpan[], longValues: LongValues): SpansSummary {
  const spans = read.map(({ span }) => span);
  const root = read.find(({ span }) => span.parentSpanId === null);
  const ends = spans.flatMap((span) => (span.endNs === null ? [] : [milliseconds(span.endNs)]));
  const first = (...keys: readonly string[]): string | null => {
    for (const { attributes } of read) {
      for (const key of keys) if (attributes[key]) return textOf(attributes[key]);
    }
    return null;
  };
  const sessionId = first('session.id', 'gen_ai.conversation.id');
  if (sessionId !== null) checkLength('Session ID', 250, sessionId);
  const ofRoot: AttributeTexts = root?.attributes ?? {};
  return {
    traceId,
    startMs: Math.min(...spans.map((span) => milliseconds(span.startNs))),
    endMs: ends.length > 0 ? Math.max(...ends) : null,
    state: root ? (root.span.status.code === 'ERROR' ? 'ERROR' : 'OK') : null,
    requestPreview: preview(ofRoot[traceKeys.inputs], 'user'),
    responsePreview: preview(ofRoot[traceKeys.outputs], 'assistant'),
    sessionId,
    userId: first('user.id'),
    tags: [...resourceTags(spans), ...tagsOfRoot(ofRoot)].flatMap((tag) => fitting(tag, longValues)),
  };
}

function milliseconds(ns: string): number {
  return Number(BigInt(ns) / 1_000_000n);
}

/** What sent the spans, but for what the SDK says of itself. */
function resourceTags(spans: readonly IncomingSpan[]) {
  const resource = spans.find((span) => span.resource.length > 0)?.resource ?? [];
  return resource
    .filter(([key]) => !key.startsWith('telemetry.sdk.') && !key.startsWith('mlflow.'))
    .map(([key, value]) => ({ key, value: typeof value === 'string' ? value : pythonDumps(value) }));
}

/** Tags that an OTLP exporter carries as attributes of the root span. */
function tagsOfRoot(attributes: Readonly<Record<string, string>>) {
  return Object.entries(attributes)
    .filter(([key]) => key.startsWith(traceKeys.tagPrefix))
    .map(([key, text]) => ({ key: key.slice(traceKeys.tagPrefix.length), value: textOf(text) ?? '' }));
}

/** The tag within its limits; nothing when it cannot be one, for which no span is refused. */
function fitting({ key, value }: Tag, longValues: LongValues): readonly Tag[] {
  try {
    checkKey(key, 'key');
    checkLength('key', 250, key);
    return [{ key, value: withinLimit('value', largestTagValue, value, longValues) }];
  } catch {
    return [];
  }
}

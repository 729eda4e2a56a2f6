import { buffer } from 'node:stream/consumers';
import { isExact, parseExact, pythonDumps } from '../../../core/exact-json.ts';
import type { Actor } from '../../../platform/access/index.ts';
import { artifactOperations } from '../service/artifacts.ts';
import type { ExperimentsDeps } from '../service/context.ts';
import { type SpanRecord, type TraceRecord, traceKeys } from './records.ts';
import { tagValue } from './shared.ts';
import { textOf } from './span-content.ts';

/** More than this is not read into memory. */
const largestBytes = 64 * 1024 * 1024;

/** A span as clients before MLflow 3 write it into the artifact `traces.json`. */
interface OldSpan {
  readonly name?: string;
  readonly context?: { readonly span_id?: string };
  readonly parent_id?: string | null;
  readonly start_time?: unknown;
  readonly end_time?: unknown;
  readonly status_code?: string;
  readonly status_message?: string | null;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly events?: readonly {
    readonly name?: string;
    readonly timestamp?: unknown;
    readonly attributes?: Readonly<Record<string, unknown>>;
  }[];
}

/** The spans that a client put into the trace's artifact; none when there is no such artifact to read here. */
export async function spansOfArtifact(
  deps: ExperimentsDeps,
  actor: Actor,
  trace: TraceRecord,
): Promise<readonly SpanRecord[]> {
  const uri = tagValue(trace.tags, traceKeys.artifactLocation);
  if (!uri?.startsWith('mlflow-artifacts:')) return [];
  const artifacts = artifactOperations(deps);
  try {
    const file = await artifacts.find(actor, artifacts.pathIn(uri, 'traces.json'));
    if (file.sizeBytes > largestBytes) return [];
    const text = await buffer(await artifacts.read(actor, file));
    const { spans = [] } = parseExact(text.toString('utf8')) as { readonly spans?: readonly OldSpan[] };
    return spans.filter((span) => span.context !== undefined).map(storedOldSpan);
  } catch {
    // The client has not put it there (yet), or it is no such file: then there are no spans to show.
    return [];
  }
}

function storedOldSpan(span: OldSpan): SpanRecord {
  const status = span.status_code === 'OK' || span.status_code === 'ERROR' ? span.status_code : 'UNSET';
  const attributes = span.attributes ?? {};
  return {
    spanId: plainId(span.context?.span_id ?? ''),
    parentId: span.parent_id ? plainId(span.parent_id) : null,
    name: span.name ?? '',
    type: textOf(attributes[traceKeys.spanType]),
    status,
    startNs: digits(span.start_time).padStart(20, '0'),
    endNs:
      span.end_time === null || span.end_time === undefined ? null : digits(span.end_time).padStart(20, '0'),
    content: pythonDumps({
      attributes,
      events: (span.events ?? []).map((event) => ({
        name: event.name ?? '',
        time_unix_nano: event.timestamp ?? 0,
        attributes: event.attributes ?? {},
      })),
      status: { code: `STATUS_CODE_${status}`, message: span.status_message ?? '' },
      links: [],
    }),
  };
}

const plainId = (id: string): string => id.replace(/^0x/, '');
const digits = (value: unknown): string => (isExact(value) ? value.rawJSON : '0');

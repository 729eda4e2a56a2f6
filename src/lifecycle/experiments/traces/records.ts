import type { Tag } from '../validation.ts';

/** MLflow's words for how far a trace is. */
export const traceStates = ['STATE_UNSPECIFIED', 'OK', 'ERROR', 'IN_PROGRESS'] as const;
export type TraceState = (typeof traceStates)[number];

/** One execution of a traced function: what it is and how it went, without its spans. */
export interface TraceRecord {
  /** `tr-` and 32 hexadecimal digits; what older clients chose is kept as it is. */
  readonly id: string;
  readonly experimentId: string;
  readonly startTimeMs: number;
  /** Null while it goes on. */
  readonly durationMs: number | null;
  readonly state: TraceState;
  readonly clientRequestId: string | null;
  readonly requestPreview: string | null;
  readonly responsePreview: string | null;
  readonly tags: readonly Tag[];
  /** Set when the trace is made, and not changed by people: user, session, source run. */
  readonly metadata: readonly Tag[];
  readonly assessments: readonly AssessmentRecord[];
}

/** A span as it is stored. Times are epoch nanoseconds as decimal digits. */
export interface SpanRecord {
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  readonly parentId: string | null;
  readonly name: string;
  readonly type: string | null;
  readonly status: 'UNSET' | 'OK' | 'ERROR';
  readonly startNs: string;
  readonly endNs: string | null;
  /** The whole span in the JSON form of MLflow's `Span.to_dict()`, written as Python writes it. */
  readonly content: string;
}

export type AssessmentKind = 'feedback' | 'expectation' | 'issue';

/** A judgement about a trace or one of its spans, by a person or a program. */
export interface AssessmentRecord {
  readonly id: string;
  readonly traceId: string;
  readonly kind: AssessmentKind;
  readonly name: string;
  readonly value: unknown;
  readonly error: Readonly<Record<string, unknown>> | null;
  readonly sourceType: string;
  readonly sourceId: string | null;
  readonly spanId: string | null;
  readonly rationale: string | null;
  readonly metadata: Readonly<Record<string, string>> | null;
  /** The assessment that this one replaces, which is then not valid any more. */
  readonly overrides: string | null;
  readonly isValid: boolean;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** A value of a span's attribute. Numbers are exact (`exact-json.ts`). */
export type AttributeValue = unknown;

/** A span as an exporter sends it, whatever the encoding. */
export interface IncomingSpan {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | null;
  readonly name: string;
  readonly startNs: string;
  readonly endNs: string | null;
  readonly status: { readonly code: SpanRecord['status']; readonly message: string };
  readonly attributes: readonly (readonly [string, AttributeValue])[];
  readonly events: readonly {
    readonly name: string;
    readonly timeNs: string;
    readonly attributes: readonly (readonly [string, AttributeValue])[];
  }[];
  readonly links: readonly {
    readonly traceId: string;
    readonly spanId: string;
    readonly attributes: readonly (readonly [string, AttributeValue])[];
  }[];
  /** Attributes of what sent the span. */
  readonly resource: readonly (readonly [string, AttributeValue])[];
}

/** Keys that MLflow's clients and server give a meaning. */
export const traceKeys = {
  name: 'mlflow.traceName',
  spansLocation: 'mlflow.trace.spansLocation',
  artifactLocation: 'mlflow.artifactLocation',
  sourceRun: 'mlflow.sourceRun',
  session: 'mlflow.trace.session',
  user: 'mlflow.trace.user',
  sizeStats: 'mlflow.trace.sizeStats',
  isFinal: 'mlflow.trace.infoFinalized',
  linkedPrompts: 'mlflow.linkedPrompts',
  requestId: 'mlflow.traceRequestId',
  inputs: 'mlflow.spanInputs',
  outputs: 'mlflow.spanOutputs',
  spanType: 'mlflow.spanType',
  tokenUsage: 'mlflow.chat.tokenUsage',
  tools: 'mlflow.chat.tools',
  cost: 'mlflow.llm.cost',
  model: 'mlflow.llm.model',
  provider: 'mlflow.llm.provider',
  messageFormat: 'mlflow.message.format',
  traceTokenUsage: 'mlflow.trace.tokenUsage',
  traceCost: 'mlflow.trace.cost',
  tagPrefix: 'mlflow.traceTag.',
} as const;

/** The value of the tag `spansLocation` of a trace whose spans this server keeps. */
export const spansInStore = 'TRACKING_STORE';

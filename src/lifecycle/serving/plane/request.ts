import type { ElementType, GraphTensor } from '../../../core/model-package.ts';
import type { Answered, OutputTensor } from '../../../platform/onnx/index.ts';
import type { TraceHeaders } from '../../../platform/tracing/index.ts';
import type { PredictionArm } from '../contract.ts';

/**
 * A named input of a request: `width` values per row, row-major. Typed arrays and lists alike; typed ones reach
 * the runtime without becoming lists of cells.
 */
export interface RequestTensor {
  readonly name: string;
  readonly width: number;
  readonly data: ArrayLike<unknown>;
  /** Sizes of one row (the tensor's shape without its rows); needed where a model has several free dimensions. */
  readonly shape?: readonly number[];
  /** What the caller declares the values to be, by the name of the Open Inference Protocol; where a protocol has that. */
  readonly datatype?: string;
}

/** A request for predictions, whatever protocol it came by. */
export interface PredictRequest {
  readonly endpoint: string;
  /** A version the caller insists on; null lets the router choose. */
  readonly version: string | null;
  /** A tester's token that chooses the arm: the header `x-millrace-arm`. */
  readonly override?: string | null;
  readonly rowCount: number;
  readonly tensors: readonly RequestTensor[];
  /** What happens to inputs that the model does not know: OIP refuses them, MLflow's protocol drops them. */
  readonly extras: 'refuse' | 'drop';
  /** What the caller gives the model's own `predict` as params; only Python models take any. */
  readonly params?: Readonly<Record<string, unknown>> | null;
  /** One per row, or null for ids of our own. */
  readonly predictionIds: readonly string[] | null;
  readonly entities: readonly (string | null)[] | null;
  readonly eventTimesMs: readonly (number | null)[] | null;
  /** Epoch milliseconds, and the monotonic clock, when the request was complete. */
  readonly receivedAtMs: number;
  readonly startedMs: number;
  /** How long after `startedMs` the caller stops waiting (a header, gRPC's deadline); the endpoint may allow less. */
  readonly timeoutMs?: number | null;
  /** Says whether the caller has left, where the protocol tells: rows that wait then are not computed. */
  readonly hasLeft?: (() => boolean) | undefined;
  /** The trace that the request is part of (W3C Trace Context, 32 hex digits); left out: none. */
  readonly traceId?: string;
  /** The same for whoever computes it elsewhere: the span of the request here, as their parent. */
  readonly trace?: TraceHeaders;
}

/**
 * An output of the answer; `shape` includes the rows, `texts` gives each row's values as JSON, comma between.
 * `values` gives the same row-major as they are, for answers that are not text.
 */
export interface ReplyOutput {
  readonly name: string;
  readonly type: ElementType;
  /** What callers know it by where that is not its type's name. */
  readonly datatype?: GraphTensor['datatype'];
  readonly shape: readonly number[];
  readonly width: number;
  readonly texts: () => readonly string[];
  /** Set where the values are texts of JSON: what a model gave nested. */
  readonly json?: true | undefined;
  readonly answered?: Answered | undefined;
  readonly values: () => OutputTensor['data'];
}

export interface PredictReply {
  readonly model: string;
  /** The version that answered; null when the rows went to more than one. */
  readonly modelVersion: string | null;
  readonly routeVersion: number;
  readonly rows: readonly {
    readonly predictionId: string;
    readonly arm: PredictionArm;
    readonly modelVersion: string;
  }[];
  readonly outputs: readonly ReplyOutput[];
}

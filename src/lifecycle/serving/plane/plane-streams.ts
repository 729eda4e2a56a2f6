import { fail, MillraceError } from '../../../core/errors.ts';
import { uuidv7 } from '../../../core/ids.ts';
import { longestTimerMs } from '../../../core/time.ts';
import { runtimeMessage } from '../../../platform/onnx/index.ts';
import { PieceJoiner } from '../../../platform/python-runtime/index.ts';
import type { ScoredPiece } from '../../../platform/runtimes/index.ts';
import { type EndpointState, planRows, type RowPlan } from './endpoint-state.ts';
import type { LoggedRow } from './log-row.ts';
import { answeredRows } from './logged-rows.ts';
import { answeredPart, replyOutputs } from './merge-outputs.ts';
import type { PredictReply, PredictRequest } from './request.ts';
import { checkShare, faultOf, type Share, shareRows } from './shares.ts';
import type { UnderWay } from './slow-requests.ts';

/** A piece of an answer. */
export interface StreamedPiece {
  /** The piece as an answer of its own. */
  readonly reply: PredictReply;
  /** What the model gave, as JSON has it; left out where it answers at once. */
  readonly value?: unknown;
}

/** Starts the model and gives its pieces; once. An aborted signal ends them with its reason, or as `cancelled`. */
export type StreamPieces = (signal: AbortSignal) => AsyncIterable<StreamedPiece>;

/** What streams need of the plane that they are part of. */
interface StreamPorts {
  readonly endpoint: (name: string) => EndpointState;
  readonly predict: (request: PredictRequest) => Promise<PredictReply>;
  readonly append: (state: EndpointState, rows: readonly LoggedRow[]) => Promise<void>;
  /** Logs a request that failed before it had an answer, and gives the error to throw. */
  readonly failed: (
    state: EndpointState,
    request: PredictRequest,
    plans: readonly RowPlan[] | null,
    shares: readonly Share[],
    error: unknown,
  ) => Promise<MillraceError>;
  /** Told of a request that was logged. */
  readonly ended: (end: StreamEnd) => void;
}

/** How a stream ended. */
export interface StreamEnd {
  readonly state: EndpointState;
  readonly request: PredictRequest;
  readonly plans: readonly RowPlan[];
  readonly share: Share;
  readonly predictionId: string;
  /** Null when all is well. */
  readonly error: MillraceError | null;
  /** Seconds from the request to the first piece; null when there was none. */
  readonly firstSeconds: number | null;
  readonly pieces: number;
}

/** A stream under way, and what it has given so far. */
interface Run {
  readonly state: EndpointState;
  readonly request: PredictRequest;
  readonly plans: readonly RowPlan[];
  readonly share: Share;
  readonly id: string;
  readonly joiner: PieceJoiner;
  score: number | null;
  firstSeconds: number | null;
  pieces: number;
}

/**
 * Answers that come in pieces. A request is routed, checked, counted and logged as every other: one row, with the
 * pieces put together, when the answer is over, whatever ended it. Pieces are given before that; the end is not.
 */
export class PlaneStreams {
  readonly #ports: StreamPorts;

  constructor(ports: StreamPorts) {
    this.#ports = ports;
  }

  /**
   * Routes and checks a request for one row. A model that answers at once gives one piece; with `only` it is refused.
   * Errors here and of the pieces are those of Plane.predict, `stream_unsupported`, `stream_broken`, `cancelled`.
   */
  async open(request: PredictRequest, only = false): Promise<StreamPieces> {
    const state = this.#ports.endpoint(request.endpoint);
    let plans: readonly RowPlan[] | null = null;
    let shares: readonly Share[] = [];
    try {
      plans = planRows(state, request);
      const [plan] = plans;
      if (!plan || plans.length > 1) {
        const problem = `an answer in pieces is for one row; the request has ${plans.length}`;
        throw fail('request_malformed', { problem });
      }
      const { arm } = plan;
      if (!arm.model.streams) {
        const { endpoint } = request;
        if (only) throw fail('stream_unsupported', { endpoint, version: arm.modelVersion });
        return () => this.#atOnce(request);
      }
      shares = shareRows(state, request, plans);
      const [share] = shares;
      if (!share) throw new Error('no share');
      checkShare(request, share);
      const id = plan.predictionId ?? uuidv7();
      const joiner = new PieceJoiner();
      const run: Run = {
        state,
        request,
        plans,
        share,
        id,
        joiner,
        score: null,
        firstSeconds: null,
        pieces: 0,
      };
      return (signal) => this.#pieces(run, signal);
    } catch (error) {
      throw await this.#ports.failed(state, request, plans, shares, error);
    }
  }

  async *#atOnce(request: PredictRequest): AsyncGenerator<StreamedPiece> {
    yield { reply: await this.#ports.predict(request) };
  }

  async *#pieces(run: Run, signal: AbortSignal): AsyncGenerator<StreamedPiece> {
    const { request, share } = run;
    const underWay = share.arm.guard?.began(request.startedMs) ?? null;
    const model = share.arm.model.acquire();
    const stop = new AbortController();
    const limitMs = model.limitMs(request);
    const expired = () => stop.abort(deadline(request, limitMs));
    const leave = () => stop.abort(signal.reason);
    const leftMs = Math.max(0, request.startedMs + limitMs - performance.now());
    // An answer that takes longer than a timer can wait has as long as it likes.
    const timer = leftMs <= longestTimerMs ? setTimeout(expired, leftMs) : undefined;
    if (signal.aborted) leave();
    signal.addEventListener('abort', leave);
    // Unless the pieces come to their end, whoever took them has left.
    let error: MillraceError | null = fail('cancelled', {});
    try {
      for await (const piece of model.stream(share.cells.row(0), request, stop.signal)) {
        run.firstSeconds ??= (performance.now() - request.startedMs) / 1000;
        run.pieces++;
        run.score = piece.score ?? run.score;
        run.joiner.add(piece);
        yield { reply: replyOf(run, piece), value: piece.value };
      }
      error = stop.signal.aborted ? reasonOf(stop.signal) : null;
    } catch (thrown) {
      error = ownError(run, thrown);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', leave);
      model.release();
      await this.#end(run, underWay, error);
    }
    if (error) throw error;
  }

  /** Logs and counts. Throws `prediction_log_unavailable`. */
  async #end(run: Run, underWay: UnderWay | null, error: MillraceError | null): Promise<void> {
    const { state, request, plans, share, id, firstSeconds, pieces } = run;
    const told = { state, request, plans, share, predictionId: id, firstSeconds, pieces };
    countEnd(run, underWay, error);
    try {
      await this.#ports.append(state, [loggedRow(run, error)]);
    } catch (logError) {
      this.#ports.ended({ ...told, error: logError as MillraceError });
      throw logError;
    }
    this.#ports.ended({ ...told, error });
  }
}

function countEnd({ request, share }: Run, underWay: UnderWay | null, error: MillraceError | null): void {
  const { guard, failures } = share.arm;
  const nowMs = performance.now();
  const code = error && faultOf(request, share, error);
  if (!error || code !== null) failures?.count(error !== null);
  if (!guard || !underWay) return;
  if (!error) guard.answered(underWay, nowMs);
  else if (code === null) guard.left(underWay, nowMs);
  else guard.failed(underWay, nowMs, code, share.entity);
}

function replyOf({ state, share, id }: Run, { outputs, score }: ScoredPiece): PredictReply {
  const { arm, modelVersion } = share.arm;
  return {
    model: state.route.model,
    modelVersion,
    routeVersion: state.route.routeVersion,
    rows: [{ predictionId: id, arm, modelVersion }],
    outputs: replyOutputs([answered(outputs, score)], 1),
  };
}

function answered(outputs: ScoredPiece['outputs'], score: number | null) {
  const prediction = { rowCount: 1, outputs, score: score === null ? null : Float64Array.of(score) };
  return answeredPart([0], { prediction, from: 0 });
}

/** The row of the log: the pieces so far put together, also when the answer broke off. */
function loggedRow(run: Run, error: MillraceError | null): LoggedRow {
  const { request, plans, share, id, joiner, score, firstSeconds } = run;
  const whole = answered(joiner.outputs, score);
  const [row] = answeredRows(request, plans, [id], share, whole) as [LoggedRow];
  const outputs = joiner.outputs.length === 0 ? null : row.outputs;
  const firstUs = firstSeconds === null ? undefined : Math.round(firstSeconds * 1e6);
  return {
    ...row,
    outputs,
    firstUs,
    ...(error ? { status: error.code, error: error.message.slice(0, 2000) } : {}),
  };
}

function deadline({ endpoint }: PredictRequest, limitMs: number): MillraceError {
  return fail('deadline_exceeded', { endpoint, timeoutMs: Math.round(limitMs) });
}

function reasonOf(signal: AbortSignal): MillraceError {
  const reason: unknown = signal.reason;
  return reason instanceof MillraceError ? reason : fail('cancelled', {});
}

function ownError({ state, share }: Run, error: unknown): MillraceError {
  if (error instanceof MillraceError) return error;
  const { model } = state.route;
  return fail(
    'inference_failed',
    { model, version: share.arm.modelVersion, problem: runtimeMessage(error) },
    error,
  );
}

import { fail, MillraceError } from '../../../core/errors.ts';
import { longestTimerMs } from '../../../core/time.ts';
import {
  type Prediction,
  type RowBlock,
  runtimeMessage,
  ThreadStopped,
} from '../../../platform/onnx/index.ts';
import type { TraceHeaders } from '../../../platform/tracing/index.ts';
import { GuiltyRequests } from './guilty-requests.ts';
import { concatenated, type PredictionRows } from './split-predictions.ts';

/** A run of the model. */
export interface ModelRun {
  readonly rows: number;
  readonly timesMs: NonNullable<Prediction['timesMs']>;
}

/** One request's share of a batch: rows [from, from + rowCount) of its outputs. */
export interface BatchPart {
  readonly prediction: Prediction;
  readonly from: number;
  /** When the rows came (monotonic clock), how long they waited for their first run, and the runs' time. */
  readonly queuedAtMs?: number;
  readonly queuedMs?: number;
  readonly timesMs?: ModelRun['timesMs'];
  /** Runs that had rows of this request as their first: each run is in one part only. */
  readonly runs?: readonly ModelRun[];
  /** Whether the answer came out of the cache, where there is one, and how long that took to say. */
  readonly cache?: { readonly hit: boolean; readonly ms: number };
}

export type ModelParams = Readonly<Record<string, unknown>> | null;

/** The rows of a request, and how they may be computed. */
export interface BatchRequest {
  readonly block: RowBlock;
  /** Only requests with the same key share a run. */
  readonly key: string;
  readonly params: ModelParams;
  /** The trace that it is part of; a run has that of its first request. */
  readonly trace?: TraceHeaders | undefined;
  /** When the caller stops waiting (monotonic clock), and how long that was when it asked; infinite: never. */
  readonly deadlineMs: number;
  readonly timeoutMs: number;
  /** Says whether the caller has left. */
  readonly hasLeft?: (() => boolean) | undefined;
}

export interface BatcherOptions {
  readonly endpoint: string;
  readonly model: string;
  readonly version: string;
  /** Most rows of a run; a request with more is computed in several runs, in turn with others. */
  readonly maxRows: number;
  readonly maxDelayMs: number;
  readonly maxWaitingRows: number;
  /** Runs at the same time. */
  readonly concurrency: number;
  /** Rows whose first run has not begun then are refused, where their request has no deadline of its own. */
  readonly longestWaitMs: number;
}

/** What a run is told beside its rows. */
export interface RunCall {
  readonly params: ModelParams;
  readonly trace: TraceHeaders | null;
  /** Requests that it has rows of. */
  readonly requests: number;
  /** It was in a run that ended a worker, and may do so again. */
  readonly apart: boolean;
  /** It has a short time only, and is tried again where that is not enough. */
  readonly brief?: boolean;
  /** How long it may wait to begin; as long as the model lets it unless told. */
  readonly waitMs?: number;
}

type Run = (blocks: readonly RowBlock[], call: RunCall) => Prediction | Promise<Prediction>;

interface Waiting extends BatchRequest {
  readonly queuedAtMs: number;
  readonly resolve: (part: BatchPart) => void;
  readonly reject: (error: unknown) => void;
  /** Rows that were taken for a run. */
  taken: number;
  startedMs: number;
  settled: boolean;
  readonly parts: (PredictionRows & { readonly at: number })[];
  readonly runs: ModelRun[];
}

/** Rows [from, to) of a request in a run. */
interface Piece {
  readonly waiting: Waiting;
  readonly from: number;
  readonly to: number;
}

/** Runs on this thread follow each other for so long before requests are read again. */
const turnMs = 2;

const noTimes = { input: 0, infer: 0, output: 0 };

/**
 * Micro-batching: what arrives in one turn of the event loop, and while a batch runs, is computed together;
 * nothing waits for company unless a delay is set. A batch that fails is repeated request by request, so that one
 * bad request never spoils its neighbours'; where it ended a worker, beside the batches that follow, which do not wait.
 * A request larger than a batch takes turns with the others.
 */
export class Batcher {
  readonly #run: Run;
  readonly #options: BatcherOptions;
  readonly #guilty = new GuiltyRequests();
  #queue: Waiting[] = [];
  #waitingRows = 0;
  #active = 0;
  /** Requests of batches that ended a worker, which are tried again. */
  #suspects = 0;
  #scheduled = false;
  #company: NodeJS.Timeout | null = null;
  /** Requests that are not answered yet, where they have a deadline or may not wait for ever. */
  readonly #timed = new Set<Waiting>();
  #alarm: NodeJS.Timeout | null = null;
  #alarmMs = Number.POSITIVE_INFINITY;

  constructor(run: Run, options: BatcherOptions) {
    this.#run = run;
    this.#options = options;
  }

  /** Requests with rows that no run has taken yet. */
  get waiting(): number {
    return this.#queue.length;
  }

  get idle(): boolean {
    return this.#active === 0 && this.#suspects === 0 && this.#queue.length === 0;
  }

  /**
   * Computes the rows of a request. Throws `queue_full` when too many rows wait already, `model_busy` when no run took
   * these in time, `deadline_exceeded`, `cancelled` when the caller left first, `inference_failed` when the model throws,
   * `model_restarting` when its thread stopped, and errors of the runtime as they are; of a request that ended a worker
   * less than a minute ago at once.
   */
  predict(request: BatchRequest): Promise<BatchPart> {
    const { rowCount } = request.block;
    const { endpoint, maxWaitingRows, maxRows } = this.#options;
    if (this.#waitingRows > 0 && this.#waitingRows + rowCount > maxWaitingRows) {
      return Promise.reject(fail('queue_full', { waiting: this.#waitingRows, endpoint }));
    }
    const known = this.#guilty.errorOf(request.block, request.params);
    const isSlow = known !== null && workerEnd(known) === 'python_timeout';
    if (known && !isSlow) return Promise.reject(known);
    return new Promise((resolve, reject) => {
      const { block, key, params, trace, deadlineMs, timeoutMs, hasLeft } = request;
      const waiting: Waiting = {
        block,
        key,
        params,
        trace,
        deadlineMs,
        timeoutMs,
        hasLeft,
        resolve,
        reject,
        queuedAtMs: performance.now(),
        taken: 0,
        startedMs: 0,
        settled: false,
        parts: [],
        runs: [],
      };
      this.#waitingRows += rowCount;
      if (isSlow && rowCount <= maxRows) {
        void this.#byItself(waiting);
        return;
      }
      this.#queue.push(waiting);
      if (this.#dueMs(waiting) < Number.POSITIVE_INFINITY) this.#watch(waiting);
      if (!this.#scheduled) this.#schedule();
      else if (this.#company && this.#waitingRows >= maxRows) this.#startNow();
    });
  }

  #schedule(): void {
    if (this.#active >= this.#options.concurrency) return;
    this.#scheduled = true;
    setImmediate(this.#start);
  }

  #startNow(): void {
    if (this.#company) clearTimeout(this.#company);
    this.#company = null;
    setImmediate(this.#start);
  }

  readonly #start = (): void => {
    this.#company = null;
    this.#scheduled = false;
    const untilMs = performance.now() + turnMs;
    while (this.#queue.length > 0 && this.#active < this.#options.concurrency) {
      if (this.#waitsForCompany()) return;
      const pieces = this.#take();
      if (pieces.length > 0) this.#compute(pieces);
      if (this.#queue.length > 0 && performance.now() > untilMs) {
        this.#schedule();
        return;
      }
    }
  };

  #waitsForCompany(): boolean {
    const { maxDelayMs, maxRows } = this.#options;
    const [first] = this.#queue;
    if (maxDelayMs === 0 || !first || first.taken > 0 || this.#waitingRows >= maxRows) return false;
    const leftMs = first.queuedAtMs + maxDelayMs - performance.now();
    if (leftMs <= 0) return false;
    this.#scheduled = true;
    // Timers count whole milliseconds; what is left of them is waited for in turns of the event loop.
    if (leftMs >= 1) this.#company = setTimeout(this.#start, Math.floor(leftMs));
    else setImmediate(this.#start);
    return true;
  }

  #compute(pieces: readonly Piece[]): void {
    this.#active++;
    const startedMs = performance.now();
    for (const { waiting } of pieces) if (waiting.startedMs === 0) waiting.startedMs = startedMs;
    let run: Prediction | Promise<Prediction>;
    try {
      run = this.#runPieces(pieces, { apart: false, ...this.#waitOf(pieces, startedMs) });
    } catch (error) {
      run = Promise.reject(error);
    }
    if (run instanceof Promise) void this.#await(pieces, run, startedMs);
    else {
      this.#finish(pieces, run, startedMs);
      this.#active--;
    }
  }

  async #await(pieces: readonly Piece[], run: Promise<Prediction>, startedMs: number): Promise<void> {
    try {
      this.#finish(pieces, await run, startedMs);
    } catch (error) {
      const busy = error instanceof ThreadStopped || (error instanceof MillraceError && error.status === 503);
      if (pieces.length === 1 || busy) for (const { waiting } of pieces) this.#fail(waiting, error);
      else await this.#oneByOne(pieces, workerEnd(error));
    }
    this.#active--;
    if (!this.#scheduled) this.#start();
  }

  /** What is left of the longest time that rows of a run may wait for it. */
  #waitOf(pieces: readonly Piece[], nowMs: number): Pick<RunCall, 'waitMs'> {
    if (this.#options.longestWaitMs === Number.POSITIVE_INFINITY || pieces[0]?.from !== 0) return {};
    const dueMs = Math.max(...pieces.map(({ waiting }) => this.#patientMs(waiting)));
    return { waitMs: Math.max(0, dueMs - nowMs) };
  }

  #runPieces(
    pieces: readonly Piece[],
    how: Pick<RunCall, 'apart' | 'brief' | 'waitMs'>,
  ): Prediction | Promise<Prediction> {
    const blocks = pieces.map(({ waiting: { block }, from, to }) =>
      from === 0 && to === block.rowCount ? block : block.slice(from, to),
    );
    const { params = null, trace = null } = pieces[0]?.waiting ?? {};
    return this.#run(blocks, { params, trace, requests: pieces.length, ...how });
  }

  /** Takes the rows of the next run, fairly: a request that is too large for one run goes to the end after its share. */
  #take(): Piece[] {
    const { maxRows } = this.#options;
    const nowMs = this.#timed.size > 0 ? performance.now() : 0;
    const pieces: Piece[] = [];
    const kept: Waiting[] = [];
    let rows = 0;
    let again: Waiting | null = null;
    for (const waiting of this.#queue) {
      const { block, taken } = waiting;
      const left = block.rowCount - taken;
      if (waiting.settled || waiting.deadlineMs <= nowMs) {
        this.#waitingRows -= left;
        this.#expire(waiting);
        continue;
      }
      if (waiting.hasLeft?.()) {
        this.#waitingRows -= left;
        this.#fail(waiting, fail('cancelled', {}));
        continue;
      }
      const first = pieces[0]?.waiting;
      const fits = first ? rows + left <= maxRows && waiting.key === first.key && !again : true;
      if (!fits) {
        kept.push(waiting);
        continue;
      }
      const count = Math.min(left, maxRows);
      pieces.push({ waiting, from: taken, to: taken + count });
      waiting.taken = taken + count;
      rows += count;
      if (count < left) again = waiting;
    }
    if (again) kept.push(again);
    this.#queue = kept;
    this.#waitingRows -= rows;
    return pieces;
  }

  #finish(pieces: readonly Piece[], ran: Prediction, startedMs: number): void {
    const { timesMs = { ...noTimes, infer: performance.now() - startedMs } } = ran;
    const prediction = ran.timesMs ? ran : { ...ran, timesMs };
    const nowMs = this.#timed.size > 0 ? performance.now() : 0;
    let from = 0;
    pieces[0]?.waiting.runs.push({ rows: prediction.rowCount, timesMs });
    for (const { waiting, from: at, to } of pieces) {
      const rowCount = to - at;
      if (waiting.deadlineMs <= nowMs) this.#expire(waiting);
      if (!waiting.settled) this.#answer(waiting, { prediction, from, rowCount, at }, timesMs);
      from += rowCount;
    }
  }

  #answer(waiting: Waiting, part: Waiting['parts'][number], timesMs: ModelRun['timesMs']): void {
    const { block, parts, queuedAtMs, startedMs, runs } = waiting;
    const whole = part.rowCount === block.rowCount;
    if (!whole) {
      parts.push(part);
      if (parts.reduce((sum, p) => sum + p.rowCount, 0) < block.rowCount) return;
      parts.sort((a, b) => a.at - b.at);
    }
    let prediction: Prediction;
    try {
      prediction = whole ? part.prediction : concatenated(parts);
    } catch (error) {
      this.#fail(waiting, error);
      return;
    }
    this.#settle(waiting);
    waiting.resolve({
      prediction,
      from: whole ? part.from : 0,
      queuedAtMs,
      queuedMs: startedMs - queuedAtMs,
      timesMs: whole ? timesMs : sumOf(parts),
      runs,
    });
  }

  async #oneByOne(pieces: readonly Piece[], end: WorkerEndCode | null): Promise<void> {
    for (const piece of pieces) {
      if (end) void this.#suspect(piece, end);
      else await this.#alone(piece, {});
    }
  }

  /** Computes a piece of a run that failed by itself. False when a short time was not enough. */
  async #alone(piece: Piece, { apart = false, brief = false }): Promise<boolean> {
    const { waiting } = piece;
    if (waiting.hasLeft?.()) this.#fail(waiting, fail('cancelled', {}));
    if (waiting.settled) return true;
    try {
      const { deadlineMs } = waiting;
      const startedMs = performance.now();
      const own = deadlineMs < Number.POSITIVE_INFINITY ? { waitMs: deadlineMs - startedMs } : {};
      this.#finish([piece], await this.#runPieces([piece], { apart, brief, ...own }), startedMs);
    } catch (error) {
      if (brief && workerEnd(error) === 'python_timeout') return false;
      this.#fail(waiting, error);
    }
    return true;
  }

  /**
   * Of requests that took too long together, or ended their worker, most are quick and harmless by themselves: the one
   * that is not waits for them.
   */
  async #suspect(piece: Piece, end: WorkerEndCode): Promise<void> {
    this.#suspects++;
    if (!(await this.#alone(piece, { brief: true, apart: end === 'python_crashed' })))
      await this.#alone(piece, { apart: true });
    this.#suspects--;
  }

  /** Computes a request that took too long a short while ago: nobody is computed with it. */
  async #byItself(waiting: Waiting): Promise<void> {
    const { rowCount } = waiting.block;
    this.#suspects++;
    waiting.taken = rowCount;
    waiting.startedMs = performance.now();
    if (waiting.deadlineMs < Number.POSITIVE_INFINITY) this.#watch(waiting);
    await this.#alone({ waiting, from: 0, to: rowCount }, { apart: true });
    this.#waitingRows -= rowCount;
    this.#suspects--;
  }

  #settle(waiting: Waiting): void {
    waiting.settled = true;
    this.#timed.delete(waiting);
  }

  #fail(waiting: Waiting, error: unknown): void {
    if (waiting.settled) return;
    this.#settle(waiting);
    const { model, version } = this.#options;
    const problem = runtimeMessage(error);
    if (error instanceof MillraceError) {
      if (workerEnd(error)) this.#guilty.remember(waiting.block, waiting.params, error);
      waiting.reject(error);
    } else if (error instanceof ThreadStopped)
      waiting.reject(fail('model_restarting', { model, version, problem }, error));
    else waiting.reject(fail('inference_failed', { model, version, problem }, error));
  }

  #expire(waiting: Waiting): void {
    const { endpoint } = this.#options;
    const { timeoutMs: askedMs } = waiting;
    // Who took microseconds for seconds sees it.
    const timeoutMs = askedMs < 1 ? Number(askedMs.toFixed(3)) : Math.round(askedMs);
    this.#fail(waiting, fail('deadline_exceeded', { endpoint, timeoutMs }));
  }

  /** Has a request rejected at its deadline, even while its run takes longer. */
  #watch(waiting: Waiting): void {
    this.#timed.add(waiting);
    const dueMs = this.#dueMs(waiting);
    if (dueMs < this.#alarmMs) this.#setAlarm(dueMs);
  }

  /** When it has to be answered, or a run has to take it. */
  #dueMs(waiting: Waiting): number {
    return waiting.startedMs > 0 ? waiting.deadlineMs : this.#patientMs(waiting);
  }

  /** How long it waits for a run: callers who say how long they wait know best. */
  #patientMs({ deadlineMs, queuedAtMs }: Waiting): number {
    return deadlineMs < Number.POSITIVE_INFINITY ? deadlineMs : queuedAtMs + this.#options.longestWaitMs;
  }

  /** Refuses what no run has taken in time. */
  #giveUp(waiting: Waiting): void {
    const { model, version, longestWaitMs } = this.#options;
    this.#fail(waiting, fail('model_busy', { model, version, waitMs: longestWaitMs }));
  }

  #setAlarm(deadlineMs: number): void {
    if (this.#alarm) clearTimeout(this.#alarm);
    this.#alarmMs = deadlineMs;
    const leftMs = Math.max(0, Math.ceil(deadlineMs - performance.now()));
    // A deadline that is further off is looked at again then.
    this.#alarm = setTimeout(this.#onAlarm, Math.min(leftMs, longestTimerMs)).unref();
  }

  readonly #onAlarm = (): void => {
    const nowMs = performance.now();
    this.#alarm = null;
    this.#alarmMs = Number.POSITIVE_INFINITY;
    let nextMs = Number.POSITIVE_INFINITY;
    for (const waiting of this.#timed) {
      const dueMs = this.#dueMs(waiting);
      if (waiting.deadlineMs <= nowMs) this.#expire(waiting);
      else if (dueMs <= nowMs) this.#giveUp(waiting);
      else nextMs = Math.min(nextMs, dueMs);
    }
    if (nextMs < Number.POSITIVE_INFINITY) this.#setAlarm(nextMs);
  };
}

type WorkerEndCode = 'python_crashed' | 'python_timeout';

/** How the run ended a worker, where it did. A graph tells its step's error as the cause. */
function workerEnd(error: unknown): WorkerEndCode | null {
  for (let cause = error; cause instanceof MillraceError; cause = cause.cause) {
    if (cause.code === 'python_crashed' || cause.code === 'python_timeout') return cause.code;
  }
  return null;
}

function sumOf(parts: readonly PredictionRows[]): ModelRun['timesMs'] {
  let { input, infer, output } = noTimes;
  for (const { prediction } of parts) {
    input += prediction.timesMs?.input ?? 0;
    infer += prediction.timesMs?.infer ?? 0;
    output += prediction.timesMs?.output ?? 0;
  }
  return { input, infer, output };
}

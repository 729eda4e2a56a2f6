import { errorMessage } from '../../core/error-message.ts';
import { fail } from '../../core/errors.ts';
import { longestTimerMs } from '../../core/time.ts';
import type { Logger } from '../log/index.ts';
import type { FrameStream } from './frame-stream.ts';
import type { Frame } from './frames.ts';
import { WorkerEnded, type WorkerProcess, WorkerTimedOut } from './worker-process.ts';

interface PoolOptions {
  /** Workers at the same time. */
  readonly size: number;
  /** Starts a worker, with the model loaded and warm. */
  readonly start: () => Promise<WorkerProcess>;
  /** Time for one batch. */
  readonly timeoutMs: number;
  readonly model: string;
  readonly version: string;
  readonly logger: Logger;
}

/** How a batch is run. */
export interface RunOptions {
  /** Whose it is: a batch of several requests is not tried again as it is, as nobody knows which of them is to blame. */
  readonly requests?: number;
  /** It may end its worker, as one like it did: the last worker that others have is not risked for it. */
  readonly apart?: boolean;
  /**
   * It gets a tenth of the time: most of what took too long together with others takes little alone. Where that is not
   * enough it fails with `python_timeout`, and its worker is there still where that could compute it in a copy of
   * itself. What is `apart` too is computed in such a copy or fails so: no worker is risked.
   */
  readonly brief?: boolean;
  /** How long it may wait for a worker; as long as a batch may take, and a worker to start, unless told. */
  readonly waitMs?: number;
}

type Lease = Required<Pick<RunOptions, 'apart' | 'waitMs'>>;

/** Somebody who waits for a worker. */
interface Waiter {
  readonly apart: boolean;
  readonly give: (worker: WorkerProcess) => void;
  readonly refuse: (problem: string) => void;
}

const watchEveryMs = 250;
/** What a worker may need beside a trial itself, before it is ended. */
const trialSpareMs = 500;
const restart = { firstMs: 100, longestMs: 30_000, longestByRequestMs: 5_000, calmAfterMs: 10_000 } as const;

/**
 * Workers of one model. A batch goes to whoever is idle. One that ended its worker fails; where it may well be
 * innocent (the worker was killed from outside, or had been nearly full), it is tried once more, apart: never by the
 * last worker that the others have. One that takes too long is not tried again. Workers that end are started again, at
 * once the first time and then after growing pauses, while the others answer.
 */
export class WorkerPool {
  readonly #options: PoolOptions;
  readonly #workers = new Set<WorkerProcess>();
  readonly #idle: WorkerProcess[] = [];
  readonly #queue: Waiter[] = [];
  /** Those of `#workers` that were given to somebody who may end them. */
  readonly #risked = new Set<WorkerProcess>();
  readonly #watch: NodeJS.Timeout;
  #restarts: NodeJS.Timeout[] = [];
  #failures = 0;
  #lastEnd = '';
  /** How long the last start took. */
  #startMs = 0;
  /** When a worker should be there again (monotonic clock). */
  #backAtMs = 0;
  #closed = false;

  private constructor(options: PoolOptions) {
    this.#options = options;
    this.#watch = setInterval(() => {
      for (const worker of this.#workers) void worker.watchMemory();
    }, watchEveryMs);
    this.#watch.unref();
  }

  /** Starts all workers. Throws what kept one of them from starting. */
  static async open(options: PoolOptions): Promise<WorkerPool> {
    const pool = new WorkerPool(options);
    const starts = await Promise.allSettled(
      Array.from({ length: options.size }, async () => pool.#add(await pool.#start())),
    );
    const failed = starts.find((s) => s.status === 'rejected');
    if (!failed) return pool;
    await pool.close();
    throw failed.reason;
  }

  /** Workers that are there, busy or not. */
  get alive(): number {
    return this.#workers.size;
  }

  /** How long a worker takes to start, as far as is known. */
  get startMs(): number {
    return this.#startMs;
  }

  /**
   * Has a worker answer. Throws `python_crashed` when a worker ended with it, `model_busy` when none was free in time,
   * `model_restarting` when none was there, and `python_timeout` when it took too long.
   */
  async run(
    header: object,
    body: Uint8Array,
    { requests = 1, apart = false, brief = false, waitMs = this.#patienceMs }: RunOptions = {},
  ): Promise<Frame> {
    const { model } = this.#options;
    const timeoutMs = this.#options.timeoutMs / (brief ? 10 : 1);
    const sent = brief ? { ...header, trialMs: timeoutMs, onlyInCopy: apart } : header;
    const endedAfterMs = brief ? timeoutMs + trialSpareMs : timeoutMs;
    for (let again = false; ; again = true) {
      const worker = await this.#lease({ apart: (apart && !brief) || again, waitMs });
      try {
        const answer = await worker.request(sent, body, endedAfterMs);
        if (answer.header.untried === true) throw fail('python_timeout', { model, timeoutMs });
        return answer;
      } catch (error) {
        this.#requireInnocent(error, requests === 1 && !apart && !again, timeoutMs);
      } finally {
        this.#release(worker);
      }
    }
  }

  /**
   * Has a worker answer in pieces, the last frame without `more`. Ends early, without that frame, once the signal is
   * aborted. A worker that was killed from outside before its first piece is replaced by another once. Errors: those of
   * `run`, and `stream_broken` when the worker ends later.
   */
  async *stream(header: object, body: Uint8Array, signal: AbortSignal): AsyncGenerator<Frame> {
    const { timeoutMs, model, version } = this.#options;
    for (let again = false; ; again = true) {
      const worker = await this.#lease({ apart: again, waitMs: this.#patienceMs }, signal);
      if (!worker) return;
      let frames: FrameStream;
      try {
        frames = worker.stream(header, body, timeoutMs);
      } catch (error) {
        this.#release(worker);
        throw error;
      }
      const close = () => frames.close();
      signal.addEventListener('abort', close);
      void frames.ended.then(() => this.#release(worker));
      let pieces = 0;
      try {
        for (let frame = await frames.next(); frame; frame = await frames.next()) {
          pieces++;
          yield frame;
          if (frame.header.more !== true) return;
        }
        return;
      } catch (error) {
        if (pieces > 0 && error instanceof WorkerEnded)
          throw fail('stream_broken', { model, version, problem: error.message }, error);
        this.#requireInnocent(error, !again, timeoutMs);
      } finally {
        signal.removeEventListener('abort', close);
        frames.close();
      }
    }
  }

  /** Ends all workers; what is still in them fails. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#watch);
    for (const timer of this.#restarts) clearTimeout(timer);
    for (const worker of this.#workers) worker.end('the model was closed');
    await Promise.all([...this.#workers].map((worker) => worker.ended));
    for (const waiter of this.#queue.splice(0)) waiter.refuse('the model was closed');
  }

  get #patienceMs(): number {
    return this.#options.timeoutMs + this.#startMs;
  }

  async #start(): Promise<WorkerProcess> {
    const beganMs = performance.now();
    const worker = await this.#options.start();
    this.#startMs = performance.now() - beganMs;
    return worker;
  }

  #add(worker: WorkerProcess): void {
    if (this.#closed) {
      worker.end('the model was closed');
      return;
    }
    this.#workers.add(worker);
    void worker.ended.then(({ reason, byRequest }) => this.#onEnd(worker, reason, byRequest));
    this.#idle.push(worker);
    this.#match();
  }

  /**
   * A worker for oneself until it is released; null when the signal was aborted before there was one.
   *
   * @param lease `apart` for somebody who may end it: before all others, but never the last one that they have
   */
  #lease(lease: Lease): Promise<WorkerProcess>;
  #lease(lease: Lease, signal: AbortSignal): Promise<WorkerProcess | null>;
  #lease({ apart, waitMs }: Lease, signal?: AbortSignal): Promise<WorkerProcess | null> {
    const { model, version } = this.#options;
    if (signal?.aborted) return Promise.resolve(null);
    if (this.#closed)
      return Promise.reject(fail('model_restarting', { model, version, problem: 'the model was closed' }));
    return new Promise((resolve, reject) => {
      const settled = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
      };
      const refuse = (problem: string) => {
        settled();
        const retryAfterSeconds = Math.max(1, Math.ceil((this.#backAtMs - performance.now()) / 1000));
        reject(fail('model_restarting', { model, version, problem, retryAfterSeconds }));
      };
      const busy = () => {
        settled();
        reject(fail('model_busy', { model, version, waitMs: Math.round(waitMs) }));
      };
      const waiter: Waiter = {
        apart,
        refuse,
        give: (given) => {
          settled();
          resolve(given);
        },
      };
      const leave = () => void this.#queue.splice(this.#queue.indexOf(waiter), 1);
      const timer = setTimeout(
        () => {
          leave();
          if (this.#workers.size === 0) refuse(this.#lastEnd);
          else busy();
        },
        Math.min(waitMs, longestTimerMs),
      );
      const abort = () => {
        leave();
        settled();
        resolve(null);
      };
      signal?.addEventListener('abort', abort);
      this.#queue.push(waiter);
      this.#match();
    });
  }

  #release(worker: WorkerProcess): void {
    this.#risked.delete(worker);
    if (this.#workers.has(worker) && !worker.ending) this.#idle.push(worker);
    this.#match();
  }

  /** Gives idle workers to those who wait. */
  #match(): void {
    while (this.#idle.length > 0) {
      const mayRisk = this.#options.size === 1 || this.#workers.size - this.#risked.size > 1;
      const risky = mayRisk ? this.#queue.findIndex(({ apart }) => apart) : -1;
      const at = risky >= 0 ? risky : this.#queue.findIndex(({ apart }) => !apart);
      const [waiter] = at >= 0 ? this.#queue.splice(at, 1) : [];
      const worker = waiter && this.#idle.pop();
      if (!waiter || !worker) return;
      if (waiter.apart) this.#risked.add(worker);
      waiter.give(worker);
    }
  }

  /** Returns when what failed may be innocent and has a try left, else throws what it means. */
  #requireInnocent(error: unknown, hasTry: boolean, timeoutMs: number): void {
    const { model, version } = this.#options;
    if (error instanceof WorkerTimedOut) throw fail('python_timeout', { model, timeoutMs });
    if (!(error instanceof WorkerEnded)) throw error;
    const problem = error.message;
    if (this.#closed) throw fail('model_restarting', { model, version, problem });
    if (error.byRequest || !hasTry) throw fail('python_crashed', { model, version, problem }, error);
  }

  #onEnd(worker: WorkerProcess, reason: string, byRequest: boolean): void {
    this.#workers.delete(worker);
    this.#risked.delete(worker);
    const at = this.#idle.indexOf(worker);
    if (at >= 0) this.#idle.splice(at, 1);
    if (this.#closed) return;
    this.#lastEnd = reason;
    if (performance.now() - worker.startedMs > restart.calmAfterMs) this.#failures = 0;
    this.#options.logger.warn({ model: this.#options.model, reason }, 'a Python worker ended');
    this.#restartLater(byRequest ? restart.longestByRequestMs : restart.longestMs);
  }

  #restartLater(longestMs: number): void {
    const grownMs = restart.firstMs * 2 ** (this.#failures - 1);
    const pauseMs = this.#failures === 0 ? 0 : Math.min(longestMs, grownMs);
    this.#failures++;
    this.#backAtMs = performance.now() + pauseMs + this.#startMs;
    const timer = setTimeout(async () => {
      this.#restarts = this.#restarts.filter((t) => t !== timer);
      try {
        this.#add(await this.#start());
      } catch (error) {
        if (this.#closed) return;
        this.#lastEnd = errorMessage(error);
        this.#options.logger.warn(
          { model: this.#options.model, err: error },
          'a Python worker does not start',
        );
        this.#restartLater(restart.longestMs);
      }
    }, pauseMs);
    timer.unref();
    this.#restarts.push(timer);
  }
}

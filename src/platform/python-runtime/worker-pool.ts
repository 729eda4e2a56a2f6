import { fail } from '../../core/errors.ts';
import type { Logger } from '../log/index.ts';
import type { Frame } from './frames.ts';
import { WorkerEnded, type WorkerProcess, WorkerTimedOut } from './worker-process.ts';

export interface PoolOptions {
  /** Workers at the same time. */
  readonly size: number;
  /** Starts a worker, with the model loaded and warm. */
  readonly start: () => Promise<WorkerProcess>;
  /** Time for one batch. */
  readonly timeoutMs: number;
  /** Memory of one worker. */
  readonly memoryBytes: number;
  readonly model: string;
  readonly version: string;
  readonly logger: Logger;
}

/** Somebody who waits for a worker. */
interface Waiter {
  readonly give: (worker: WorkerProcess) => void;
  readonly refuse: (problem: string) => void;
}

const mostAttempts = 2;
const watchEveryMs = 250;
const restart = { firstMs: 100, longestMs: 30_000, calmAfterMs: 10_000 } as const;

/**
 * Workers of one model. A batch goes to whoever is idle; one that was in a worker when it ended is tried once more,
 * and one that takes too long is not. Workers that end are started again, at once the first time and then after
 * growing pauses, while the others answer.
 */
export class WorkerPool {
  readonly #options: PoolOptions;
  readonly #workers = new Set<WorkerProcess>();
  readonly #idle: WorkerProcess[] = [];
  readonly #queue: Waiter[] = [];
  readonly #watch: NodeJS.Timeout;
  #restarts: NodeJS.Timeout[] = [];
  #failures = 0;
  #lastEnd = '';
  #closed = false;

  private constructor(options: PoolOptions) {
    this.#options = options;
    this.#watch = setInterval(() => void this.#checkMemory(), watchEveryMs);
    this.#watch.unref();
  }

  /** Starts all workers. Throws what kept one of them from starting. */
  static async open(options: PoolOptions): Promise<WorkerPool> {
    const pool = new WorkerPool(options);
    const starts = await Promise.allSettled(
      Array.from({ length: options.size }, async () => pool.#add(await options.start())),
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

  /**
   * Has a worker answer. Throws `python_crashed` when two workers in turn ended with it, `model_restarting` when none
   * came back in time, and `python_timeout` when it took too long.
   */
  async run(header: object, body: Uint8Array): Promise<Frame> {
    for (let attempt = 1; ; attempt++) {
      const worker = await this.#lease(attempt > 1);
      try {
        return await worker.request(header, body, this.#options.timeoutMs);
      } catch (error) {
        this.#requireAnother(error, attempt);
      } finally {
        this.#release(worker);
      }
    }
  }

  /**
   * Has a worker answer in pieces, the last frame without `more`. Ends early, without that frame, once the signal is
   * aborted. A worker that ends before its first piece is replaced by another once. Errors: those of `run`, and
   * `stream_broken` when the worker ends later.
   */
  async *stream(header: object, body: Uint8Array, signal: AbortSignal): AsyncGenerator<Frame> {
    const { timeoutMs, model, version } = this.#options;
    for (let attempt = 1; ; attempt++) {
      const worker = await this.#lease(attempt > 1, signal);
      if (!worker) return;
      const frames = worker.stream(header, body, timeoutMs);
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
        this.#requireAnother(error, attempt);
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

  #add(worker: WorkerProcess): void {
    if (this.#closed) {
      worker.end('the model was closed');
      return;
    }
    this.#workers.add(worker);
    void worker.ended.then((reason) => this.#onEnd(worker, reason));
    this.#idleNow(worker);
  }

  /**
   * A worker for oneself until it is released; null when the signal was aborted before there was one.
   *
   * @param first before all others that wait
   */
  #lease(first: boolean): Promise<WorkerProcess>;
  #lease(first: boolean, signal: AbortSignal): Promise<WorkerProcess | null>;
  #lease(first: boolean, signal?: AbortSignal): Promise<WorkerProcess | null> {
    const { timeoutMs, model, version } = this.#options;
    if (signal?.aborted) return Promise.resolve(null);
    if (this.#closed)
      return Promise.reject(fail('model_restarting', { model, version, problem: 'the model was closed' }));
    const worker = this.#idle.pop();
    if (worker) return Promise.resolve(worker);
    return new Promise((resolve, reject) => {
      const settled = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
      };
      const refuse = (problem: string) => {
        settled();
        reject(fail('model_restarting', { model, version, problem }));
      };
      const waiter: Waiter = {
        refuse,
        give: (given) => {
          settled();
          resolve(given);
        },
      };
      const leave = () => void this.#queue.splice(this.#queue.indexOf(waiter), 1);
      const timer = setTimeout(() => {
        leave();
        refuse(this.#lastEnd || `no worker was free within ${timeoutMs} ms`);
      }, timeoutMs);
      const abort = () => {
        leave();
        settled();
        resolve(null);
      };
      signal?.addEventListener('abort', abort);
      if (first) this.#queue.unshift(waiter);
      else this.#queue.push(waiter);
    });
  }

  #release(worker: WorkerProcess): void {
    if (this.#workers.has(worker) && !worker.ending) this.#idleNow(worker);
  }

  #idleNow(worker: WorkerProcess): void {
    const waiter = this.#queue.shift();
    if (waiter) waiter.give(worker);
    else this.#idle.push(worker);
  }

  /** Returns when what failed may be tried on another worker, else throws what it means. */
  #requireAnother(error: unknown, attempt: number): void {
    const { timeoutMs, model, version } = this.#options;
    if (error instanceof WorkerTimedOut) throw fail('python_timeout', { model, timeoutMs });
    if (!(error instanceof WorkerEnded)) throw error;
    const problem = error.message;
    if (this.#closed) throw fail('model_restarting', { model, version, problem });
    if (attempt >= mostAttempts) throw fail('python_crashed', { model, version, problem });
  }

  #onEnd(worker: WorkerProcess, reason: string): void {
    this.#workers.delete(worker);
    const at = this.#idle.indexOf(worker);
    if (at >= 0) this.#idle.splice(at, 1);
    if (this.#closed) return;
    this.#lastEnd = reason;
    if (performance.now() - worker.startedMs > restart.calmAfterMs) this.#failures = 0;
    this.#options.logger.warn({ model: this.#options.model, reason }, 'a Python worker ended');
    this.#restartLater();
  }

  #restartLater(): void {
    const { firstMs, longestMs } = restart;
    const pauseMs = this.#failures === 0 ? 0 : Math.min(longestMs, firstMs * 2 ** (this.#failures - 1));
    this.#failures++;
    const timer = setTimeout(async () => {
      this.#restarts = this.#restarts.filter((t) => t !== timer);
      try {
        this.#add(await this.#options.start());
      } catch (error) {
        if (this.#closed) return;
        this.#lastEnd = error instanceof Error ? error.message : String(error);
        this.#options.logger.warn(
          { model: this.#options.model, err: error },
          'a Python worker does not start',
        );
        this.#restartLater();
      }
    }, pauseMs);
    timer.unref();
    this.#restarts.push(timer);
  }

  async #checkMemory(): Promise<void> {
    const { memoryBytes } = this.#options;
    for (const worker of this.#workers) {
      const bytes = await worker.residentBytes();
      if (bytes === null || bytes <= memoryBytes) continue;
      const size = (value: number) => `${Math.round(value / 1024 ** 2)} MB`;
      worker.end(`it took ${size(bytes)} of memory, more than the ${size(memoryBytes)} that it may`);
    }
  }
}

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

interface Task {
  readonly header: object;
  readonly body: Uint8Array;
  readonly resolve: (frame: Frame) => void;
  readonly reject: (error: unknown) => void;
  /** Set while it waits for a worker. */
  timer: NodeJS.Timeout | null;
  attempts: number;
}

const attemptsOfTask = 2;
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
  readonly #queue: Task[] = [];
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
  run(header: object, body: Uint8Array): Promise<Frame> {
    return new Promise((resolve, reject) => {
      this.#offer({ header, body, resolve, reject, timer: null, attempts: 0 });
    });
  }

  /** Ends all workers; what is still in them fails. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#watch);
    for (const timer of this.#restarts) clearTimeout(timer);
    for (const worker of this.#workers) worker.end('the model was closed');
    await Promise.all([...this.#workers].map((worker) => worker.ended));
    for (const task of this.#queue.splice(0)) this.#refuse(task, 'the model was closed');
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

  #offer(task: Task): void {
    const worker = this.#idle.pop();
    if (worker) {
      void this.#runOn(worker, task);
      return;
    }
    const { timeoutMs } = this.#options;
    task.timer = setTimeout(() => {
      this.#queue.splice(this.#queue.indexOf(task), 1);
      this.#refuse(task, this.#lastEnd || `no worker was free within ${timeoutMs} ms`);
    }, timeoutMs);
    if (task.attempts > 0) this.#queue.unshift(task);
    else this.#queue.push(task);
  }

  #idleNow(worker: WorkerProcess): void {
    const task = this.#queue.shift();
    if (!task) {
      this.#idle.push(worker);
      return;
    }
    if (task.timer) clearTimeout(task.timer);
    void this.#runOn(worker, task);
  }

  async #runOn(worker: WorkerProcess, task: Task): Promise<void> {
    const { timeoutMs, model, version } = this.#options;
    task.attempts++;
    try {
      const frame = await worker.request(task.header, task.body, timeoutMs);
      task.resolve(frame);
    } catch (error) {
      if (error instanceof WorkerTimedOut) task.reject(fail('python_timeout', { model, timeoutMs }));
      else if (!(error instanceof WorkerEnded)) task.reject(error);
      else if (task.attempts < attemptsOfTask && !this.#closed) this.#offer(task);
      else if (this.#closed) this.#refuse(task, error.message);
      else task.reject(fail('python_crashed', { model, version, problem: error.message }));
      return;
    }
    if (this.#workers.has(worker)) this.#idleNow(worker);
  }

  #refuse(task: Task, problem: string): void {
    const { model, version } = this.#options;
    task.reject(fail('model_restarting', { model, version, problem }));
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

import type { ServedModel } from './served-model.ts';

/** A copy of answered rows for a shadow model. */
export interface ShadowTask {
  readonly endpoint: string;
  readonly model: ServedModel;
  readonly rowCount: number;
  /** Predicts and logs; its failures are its own. */
  readonly run: () => Promise<void>;
}

/** Tasks that may be computed side by side, so that they share batches. */
const parallel = 32;

/**
 * Work for shadow models, off the callers' path: done only while the answering models are idle, at most
 * `maxRows` waiting; what does not fit is dropped and counted.
 */
export class ShadowQueue {
  readonly #maxRows: number;
  readonly #busyModels: () => boolean;
  readonly #onDrop: (endpoint: string, rows: number) => void;
  #tasks: ShadowTask[] = [];
  #rows = 0;
  #dropped = 0;
  #running = false;
  #idle: (() => void)[] = [];

  constructor(maxRows: number, busyModels: () => boolean, onDrop: (endpoint: string, rows: number) => void) {
    this.#maxRows = maxRows;
    this.#busyModels = busyModels;
    this.#onDrop = onDrop;
  }

  /** Rows dropped since the start. */
  get dropped(): number {
    return this.#dropped;
  }

  offer(task: ShadowTask): void {
    if (this.#rows + task.rowCount > this.#maxRows) {
      this.#dropped += task.rowCount;
      this.#onDrop(task.endpoint, task.rowCount);
      return;
    }
    task.model.acquire();
    this.#tasks.push(task);
    this.#rows += task.rowCount;
    if (!this.#running) {
      this.#running = true;
      setImmediate(() => void this.#drain());
    }
  }

  /** Resolves when every copy taken so far is computed and logged. */
  async drained(): Promise<void> {
    while (this.#running) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  async #drain(): Promise<void> {
    while (this.#tasks.length > 0) {
      // Under load the copies wait for a gap, but only so long: a queue that is half full is worked off.
      if (this.#busyModels() && this.#rows < this.#maxRows / 2) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        if (this.#busyModels() && this.#idle.length === 0 && this.#tasks.length < parallel) continue;
      }
      const tasks = this.#tasks.splice(0, parallel);
      await Promise.all(tasks.map((task) => task.run().finally(() => task.model.release())));
      for (const task of tasks) this.#rows -= task.rowCount;
    }
    this.#running = false;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}

import type { ServedModel } from './served-model.ts';

/** A copy of answered rows for a shadow model. */
export interface ShadowTask {
  readonly endpoint: string;
  readonly model: ServedModel;
  readonly rowCount: number;
  /** Predicts and logs; its failures are its own. */
  readonly run: () => Promise<void>;
}

/** What waits for one model. */
interface Lane {
  readonly tasks: ShadowTask[];
  /** Rows that wait or are computed. */
  rows: number;
  /** Tasks that were ever taken, and that are done; they are done in turn. */
  taken: number;
  done: number;
  /** Who waits for the tasks that were taken before. */
  waiting: { readonly until: number; readonly resolve: () => void }[];
}

/** Tasks that may be computed side by side, so that they share batches. */
const parallel = 32;

/**
 * Work for shadow models, off the callers' path: done only while the answering models are idle, at most `maxRows` of each
 * shadow waiting; what does not fit is dropped and counted. Each shadow has a lane of its own: one that is slow or hangs
 * holds up, and crowds out, copies for no other.
 */
export class ShadowQueue {
  readonly #maxRows: number;
  readonly #busyModels: () => boolean;
  readonly #onDrop: (endpoint: string, rows: number) => void;
  /** Those with something to do. */
  readonly #lanes = new Map<ServedModel, Lane>();
  #dropped = 0;

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
    const known = this.#lanes.get(task.model);
    if ((known?.rows ?? 0) + task.rowCount > this.#maxRows) {
      this.#dropped += task.rowCount;
      this.#onDrop(task.endpoint, task.rowCount);
      return;
    }
    task.model.acquire();
    const lane = known ?? { tasks: [], rows: 0, taken: 0, done: 0, waiting: [] };
    lane.tasks.push(task);
    lane.rows += task.rowCount;
    lane.taken++;
    if (known) return;
    this.#lanes.set(task.model, lane);
    setImmediate(() => void this.#drain(task.model, lane));
  }

  /** Resolves when every copy taken so far is computed and logged, however many come in meanwhile. */
  async drained(): Promise<void> {
    const lanes = [...this.#lanes.values()];
    await Promise.all(
      lanes.map((lane) => new Promise<void>((resolve) => lane.waiting.push({ until: lane.taken, resolve }))),
    );
  }

  async #drain(model: ServedModel, lane: Lane): Promise<void> {
    while (lane.tasks.length > 0) {
      // Under load the copies wait for a gap, but only so long: a queue that is half full is worked off.
      if (this.#busyModels() && lane.rows < this.#maxRows / 2) {
        await new Promise((resolve) => setTimeout(resolve, 1));
        if (this.#busyModels() && lane.waiting.length === 0 && lane.tasks.length < parallel) continue;
      }
      const tasks = lane.tasks.splice(0, parallel);
      await Promise.all(tasks.map((task) => task.run().finally(() => task.model.release())));
      for (const task of tasks) lane.rows -= task.rowCount;
      lane.done += tasks.length;
      const isDone = ({ until }: Lane['waiting'][number]) => until <= lane.done;
      for (const { resolve } of lane.waiting.filter(isDone)) resolve();
      lane.waiting = lane.waiting.filter((one) => !isDone(one));
      // Who is answered in this turn of the event loop has the answer before its copy begins.
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#lanes.delete(model);
  }
}

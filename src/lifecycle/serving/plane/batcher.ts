import { fail } from '../../../core/errors.ts';
import { type Prediction, runtimeMessage } from '../../../platform/onnx/index.ts';

/** One request's share of a batch: rows [from, from + rowCount) of its outputs. */
export interface BatchPart {
  readonly prediction: Prediction;
  readonly from: number;
  /** When the rows came (monotonic clock), how long they waited, and how long their run took. */
  readonly queuedAtMs?: number;
  readonly queuedMs?: number;
  readonly computedMs?: number;
}

interface Waiting {
  readonly queuedAtMs: number;
  readonly rows: readonly (readonly unknown[])[];
  readonly resolve: (part: BatchPart) => void;
  readonly reject: (error: unknown) => void;
}

type Run = (rows: readonly (readonly unknown[])[]) => Promise<Prediction>;

/**
 * Micro-batching without a timer: what arrives in one turn of the event loop, and while a batch runs, is
 * computed together. Nothing waits for company, and a batch that fails is repeated request by request, so
 * that one bad request never spoils its neighbours'.
 */
export class Batcher {
  readonly #run: Run;
  readonly #name: { readonly model: string; readonly version: string };
  readonly #maxRows: number;
  readonly #maxWaitingRows: number;
  #queue: Waiting[] = [];
  #waitingRows = 0;
  #busy = false;

  constructor(
    run: Run,
    name: { readonly model: string; readonly version: string },
    limits: { readonly maxRows: number; readonly maxWaitingRows: number },
  ) {
    this.#run = run;
    this.#name = name;
    this.#maxRows = limits.maxRows;
    this.#maxWaitingRows = limits.maxWaitingRows;
  }

  get idle(): boolean {
    return !this.#busy;
  }

  /** Throws `queue_full` when too many rows wait already, `inference_failed` when the model throws. */
  predict(rows: readonly (readonly unknown[])[], endpoint: string): Promise<BatchPart> {
    if (this.#waitingRows > 0 && this.#waitingRows + rows.length > this.#maxWaitingRows) {
      return Promise.reject(fail('queue_full', { waiting: this.#waitingRows, endpoint }));
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ rows, resolve, reject, queuedAtMs: performance.now() });
      this.#waitingRows += rows.length;
      if (this.#busy) return;
      this.#busy = true;
      setImmediate(() => void this.#drain());
    });
  }

  async #drain(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#take();
      const rows = batch.length === 1 && batch[0] ? batch[0].rows : batch.flatMap((w) => w.rows);
      try {
        const startedMs = performance.now();
        const prediction = await this.#run(rows);
        const computedMs = performance.now() - startedMs;
        let from = 0;
        for (const waiting of batch) {
          const { queuedAtMs } = waiting;
          waiting.resolve({ prediction, from, queuedAtMs, queuedMs: startedMs - queuedAtMs, computedMs });
          from += waiting.rows.length;
        }
      } catch (error) {
        if (batch.length === 1) this.#rejectOne(batch[0] as Waiting, error);
        else await this.#oneByOne(batch);
      }
    }
    this.#busy = false;
  }

  #take(): Waiting[] {
    let rows = 0;
    let count = 0;
    for (const waiting of this.#queue) {
      if (count > 0 && rows + waiting.rows.length > this.#maxRows) break;
      rows += waiting.rows.length;
      count++;
    }
    this.#waitingRows -= rows;
    if (count === this.#queue.length) {
      const all = this.#queue;
      this.#queue = [];
      return all;
    }
    return this.#queue.splice(0, count);
  }

  async #oneByOne(batch: readonly Waiting[]): Promise<void> {
    for (const waiting of batch) {
      try {
        waiting.resolve({ prediction: await this.#run(waiting.rows), from: 0 });
      } catch (error) {
        this.#rejectOne(waiting, error);
      }
    }
  }

  #rejectOne(waiting: Waiting, error: unknown): void {
    waiting.reject(fail('inference_failed', { ...this.#name, problem: runtimeMessage(error) }, error));
  }
}

import type { RouteTable } from './contract.ts';

export interface TableSource {
  readonly table: () => Promise<RouteTable>;
  /** Hears what keeps the routes from replicas, once until they are sent again; it is tried each second. */
  readonly unsent: (error: unknown) => void;
}

const retryMs = 1000;

/** Reads the routes for replicas, one after the other, so that nobody gets an older table after a newer one. */
export class TableReader {
  readonly #source: TableSource;
  #reading: Promise<void> = Promise.resolve();
  /** A broadcast that has not begun to read. */
  #next: Promise<void> | null = null;
  #isUnsent = false;
  #closed = false;

  constructor(source: TableSource) {
    this.#source = source;
  }

  /** Reads the present table for one. Throws what reading it throws. */
  deliver(take: (routes: RouteTable) => void, begin: () => void = () => {}): Promise<void> {
    const delivered = this.#reading.then(async () => {
      begin();
      if (!this.#closed) take(await this.#source.table());
    });
    this.#reading = delivered.catch(() => {});
    return delivered;
  }

  /**
   * Reads the present table for all; when it cannot be read, again a second later. Who asks while an earlier one waits
   * for its turn shares that one.
   */
  async broadcast(take: (routes: RouteTable) => void): Promise<void> {
    this.#next ??= this.#broadcast(take);
    await this.#next;
  }

  /** Reads nothing any more; resolves when nothing is read. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#reading;
  }

  async #broadcast(take: (routes: RouteTable) => void): Promise<void> {
    try {
      await this.deliver(take, () => {
        this.#next = null;
      });
      this.#isUnsent = false;
    } catch (error) {
      if (!this.#isUnsent) this.#source.unsent(error);
      this.#isUnsent = true;
      setTimeout(() => void this.broadcast(take), retryMs).unref();
    }
  }
}

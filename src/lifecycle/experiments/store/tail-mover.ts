import type { Database } from '../../../platform/db/index.ts';
import { hasTail, moveTail, runWithTail, tailCount } from './tail.ts';

/** How often it is looked whether writers are quiet, and how many writes within that time are not. */
const lookIntervalMs = 250;
const busyWrites = 25;
/** So many points may wait (10 MB); beyond that they are moved while others write. */
const waitingLimit = 250_000;

/** Puts all points of a run where readers look for them. */
export async function settlePoints(db: Database, runSeq: number): Promise<void> {
  while (await hasTail(db.read, runSeq)) await db.write((tx) => moveTail(tx, db.dialect, runSeq));
}

/** Moves points from the tails (tail.ts) in quiet moments. It needs no end: what it has not moved stays safe. */
export class TailMover {
  readonly #db: Database;
  #timer: NodeJS.Timeout | undefined;
  #waitingPoints = 0;
  #writes = 0;

  constructor(db: Database) {
    this.#db = db;
    // What an earlier process left, or came with the file of another database.
    void this.#look(async () => {
      this.#waitingPoints = await tailCount(db.read);
    });
  }

  /** Points were written. */
  noted(points: number): void {
    this.#waitingPoints += points;
    this.#writes++;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#timer || this.#waitingPoints === 0) return;
    this.#timer = setTimeout(() => void this.#look(() => this.#move()), lookIntervalMs);
    this.#timer.unref();
  }

  async #look(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.#timer = undefined;
      this.#schedule();
    } catch {
      // The database is closed, or its disk is full: the next write starts this again.
      this.#timer = undefined;
    }
  }

  async #move(): Promise<void> {
    while (this.#writes < busyWrites || this.#waitingPoints > waitingLimit) {
      this.#writes = 0;
      const run = await runWithTail(this.#db.read);
      if (run === undefined) {
        this.#waitingPoints = 0;
        return;
      }
      this.#waitingPoints -= await this.#db.write((tx) => moveTail(tx, this.#db.dialect, run));
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#writes = 0;
  }
}

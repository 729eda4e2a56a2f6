import { type Database, type SqliteStatements, sqliteStatements } from '../../../platform/db/index.ts';
import { KnownRuns } from './known-runs.ts';
import { putPoints } from './points.ts';
import { cutTail, readTail, runWithTail, tailCounts, tailStart } from './tail.ts';

/** How many points, of how many runs, are moved in one transaction: others write between two of them. */
const pointsPerMove = 8192;
const runsPerMove = 64;

/**
 * Brings the summaries in `metric_series` up to date with all that was acknowledged. Whoever reads them calls this
 * first; when nothing was logged since the last time it is one look at an empty table.
 */
export async function settleSummaries(db: Database): Promise<void> {
  const reader = sqliteStatements(db.read);
  if (!reader?.get('SELECT run_seq FROM metric_unsummed LIMIT 1')) return;
  await db.write(async (tx) => {
    const sqlite = sqliteStatements(tx);
    if (!sqlite) return;
    const runs = KnownRuns.of(sqlite);
    for (const { run_seq } of sqlite.all<{ run_seq: number }>('SELECT run_seq FROM metric_unsummed')) {
      runs.writeSummaries(runs.get(run_seq));
    }
  });
}

/** Puts all points of a run where readers look for them, and its summaries. */
export async function settlePoints(db: Database, runSeq: number): Promise<void> {
  const reader = sqliteStatements(db.read);
  if (!reader) return;
  while (tailStart(reader, runSeq) !== undefined) {
    await db.write(async (tx) => {
      const sqlite = sqliteStatements(tx);
      if (sqlite) moveTail(sqlite, runSeq);
    });
  }
}

/** Settles all runs, for whoever copies the tables as they are. */
export async function settleEverything(db: Database): Promise<void> {
  const reader = sqliteStatements(db.read);
  if (!reader) return;
  for (let run = runWithTail(reader); run !== undefined; run = runWithTail(reader)) {
    await settlePoints(db, run);
  }
}

/**
 * Moves the oldest points of a run's tail to their places.
 *
 * @returns how many points were moved; 0 when the tail is empty
 */
export function moveTail(sqlite: SqliteStatements, runSeq: number): number {
  const start = tailStart(sqlite, runSeq);
  if (start === undefined) return 0;
  const runs = KnownRuns.of(sqlite);
  runs.writeSummaries(runs.get(runSeq));
  const { end, points } = readTail(sqlite, runSeq, start, pointsPerMove);
  for (const [seriesId, ofSeries] of [...points].sort(([a], [b]) => a - b)) {
    putPoints(sqlite, seriesId, ofSeries);
  }
  cutTail(sqlite, runSeq, end);
  return end - start;
}

/** How often it is looked whether writers are quiet, and how many writes within that time are not. */
const lookIntervalMs = 250;
const busyWrites = 25;
/** So many points may wait (10 MB); beyond that they are moved while others write. */
const waitingLimit = 250_000;

/** Settles in quiet moments what was logged on SQLite. It needs no end: what it has not moved stays safe. */
export class Settler {
  readonly #db: Database;
  /** How many points wait in the tail of each run, or fewer when a reader has moved them. */
  readonly #waiting = new Map<number, number>();
  #waitingPoints = 0;
  #timer: NodeJS.Timeout | undefined;
  #writes = 0;

  constructor(db: Database) {
    this.#db = db;
    const reader = sqliteStatements(db.read);
    // What an earlier process left.
    for (const { run_seq, count } of reader ? tailCounts(reader) : []) this.noted(run_seq, count);
  }

  /** Points were written to a run. */
  noted(runSeq: number, points: number): void {
    if (this.#db.dialect !== 'sqlite') return;
    this.#waiting.set(runSeq, (this.#waiting.get(runSeq) ?? 0) + points);
    this.#waitingPoints += points;
    this.#writes++;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#timer || this.#waiting.size === 0) return;
    this.#timer = setTimeout(() => void this.#look(), lookIntervalMs);
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    try {
      await this.#move();
      this.#timer = undefined;
      this.#schedule();
    } catch {
      // The database is closed, or its disk is full: the next write starts this again.
      this.#timer = undefined;
    }
  }

  async #move(): Promise<void> {
    while (this.#waiting.size > 0) {
      // The longest tails first: the more points are moved at once, the less each costs.
      const runs = [...this.#waiting].sort(([, a], [, b]) => b - a).map(([runSeq]) => runSeq);
      for (let next = 0; next < runs.length; ) {
        if (this.#writes >= busyWrites && this.#waitingPoints <= waitingLimit) {
          this.#writes = 0;
          return;
        }
        this.#writes = 0;
        const group = this.#groupOf(runs, next);
        next += group.length;
        await this.#moveGroup(group);
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }

  /** The next runs whose tails are moved in one transaction. */
  #groupOf(runs: readonly number[], from: number): readonly number[] {
    let [to, points] = [from, 0];
    while (to < runs.length && to - from < runsPerMove && points < pointsPerMove) {
      points += this.#waiting.get(runs[to++] as number) ?? 0;
    }
    return runs.slice(from, to);
  }

  async #moveGroup(runs: readonly number[]): Promise<void> {
    const moved = await this.#db.write(async (tx) => {
      const sqlite = sqliteStatements(tx);
      return runs.map((runSeq) => (sqlite ? moveTail(sqlite, runSeq) : 0));
    });
    for (const [i, runSeq] of runs.entries()) {
      const waiting = this.#waiting.get(runSeq) ?? 0;
      const left = moved[i] ? Math.max(0, waiting - (moved[i] ?? 0)) : 0;
      this.#waitingPoints -= waiting - left;
      if (left > 0) this.#waiting.set(runSeq, left);
      else this.#waiting.delete(runSeq);
    }
  }
}

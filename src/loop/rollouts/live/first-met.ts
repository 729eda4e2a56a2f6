import { settledAfterMs } from '../../verdict/settled.ts';
import { Column } from './columns.ts';
import type { LiveSlices, LiveStratum } from './live-slices.ts';

/** A request that the split gave to an arm. */
interface Met {
  /** The entity's number; -1: the request was nobody's. */
  readonly who: number;
  readonly stratum: LiveStratum;
  /** Of the entity in this stratum. */
  readonly unit: number;
  readonly receivedAtMs: number;
  /** Who logged it: each replica's log has an end, and a clock, of its own. */
  readonly replica: string;
}

/** Requests that may wait before it is looked at how many of them are settled. */
const mostWaiting = 4096;
const waitingBytes = 64;

/**
 * Counts each entity where it was met first under a split: in every stratum of the lowest such route that it was met
 * under. Requests count once all others of their time are here too; see `settledAfterMs`.
 */
export class FirstMet {
  readonly #rows: LiveSlices;
  /** By entity; 0: not met yet. */
  readonly #firstRoute = new Column('int', 0);
  /** By unit of the rows: 1 where it counts or counted. */
  readonly #met = new Column('byte', 0);
  #waiting: Met[] = [];
  #lookAt = mostWaiting;
  /** By replica: when the last request was received that is here. */
  readonly #lastReceivedMs = new Map<string, number>();
  #slowestMs = 0;

  constructor(rows: LiveSlices) {
    this.#rows = rows;
  }

  /** Memory that it takes. */
  get bytes(): number {
    return this.#firstRoute.bytes + this.#met.bytes + waitingBytes * this.#waiting.length;
  }

  /** Hears of a request that was answered, whoever chose its arm. */
  answered(replica: string, receivedAtMs: number, latencyUs: number): void {
    const lastMs = this.#lastReceivedMs.get(replica) ?? Number.NEGATIVE_INFINITY;
    if (receivedAtMs > lastMs) this.#lastReceivedMs.set(replica, receivedAtMs);
    this.#slowestMs = Math.max(this.#slowestMs, latencyUs / 1000);
  }

  /** Takes a request that the split gave to an arm. */
  meet(met: Met): void {
    this.#waiting.push(met);
    if (this.#waiting.length < this.#lookAt) return;
    this.settle();
    this.#lookAt = 2 * this.#waiting.length + mostWaiting;
  }

  /** Counts what is settled by now. */
  settle(): void {
    const afterMs = settledAfterMs(this.#slowestMs);
    const waiting: Met[] = [];
    for (const met of this.#waiting) {
      const lastMs = this.#lastReceivedMs.get(met.replica) ?? Number.NEGATIVE_INFINITY;
      if (met.receivedAtMs <= lastMs - afterMs) this.#count(met);
      else waiting.push(met);
    }
    this.#waiting = waiting;
  }

  #count({ who, stratum, unit }: Met): void {
    if (who < 0) {
      stratum.newUnits++;
      return;
    }
    const { routeVersion } = stratum;
    const before = this.#firstRoute.get(who) || Number.POSITIVE_INFINITY;
    if (routeVersion > before) return;
    if (routeVersion < before) {
      // Rows of an earlier route may come later.
      for (const other of this.#rows.strataOfRoute(before)) {
        const there = this.#rows.findUnit(who, other);
        if (other.arm !== 'shadow' && there >= 0 && this.#met.get(there) === 1) other.newUnits--;
      }
      this.#firstRoute.set(who, routeVersion);
    }
    if (this.#met.get(unit) === 1) return;
    this.#met.set(unit, 1);
    stratum.newUnits++;
  }
}

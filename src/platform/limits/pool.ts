import type { LimitSpec } from './limit.ts';

/** Of a limit on what goes on at the same time nobody knows when it ends: whoever is refused comes again then. */
const concurrentWaitMs = 1000;
/** Units of a rate that may be taken at once: what it allows in this time, but one at least. */
const burstMs = 1000;
/** A unit that is there but for the rounding of its time. */
const rounding = 1e-6;

/**
 * The units of one limit. Those that were taken are outstanding until they are spent (a rate, which brings new ones
 * with time) or given back. In any time T at most `burst + rate * T` of a rate are taken and spent.
 */
export class Pool {
  readonly spec: LimitSpec;
  /** Units that may be there at the same time. */
  readonly capacity: number;
  #outstanding = 0;
  /** Of a rate: units that were there at `#atMs`. */
  #level: number;
  #atMs: number;

  /** @param nowMs of a monotonic clock, as everywhere here */
  constructor(spec: LimitSpec, nowMs: number) {
    this.spec = spec;
    this.capacity = spec.kind === 'rate' ? Math.max(1, (spec.limit * burstMs) / 1000) : spec.limit;
    this.#level = this.capacity;
    this.#atMs = nowMs;
  }

  /** Whole units that can be taken now. */
  available(nowMs: number): number {
    if (this.spec.kind === 'concurrent') return Math.max(0, this.capacity - this.#outstanding);
    this.#refill(nowMs);
    return Math.max(0, Math.floor(this.#level + rounding));
  }

  /** How long until there is one unit, at the earliest. */
  waitMs(nowMs: number): number {
    if (this.spec.kind === 'concurrent') return concurrentWaitMs;
    this.#refill(nowMs);
    return Math.max(0, ((1 - this.#level) * 1000) / this.spec.limit);
  }

  take(units: number): void {
    this.#outstanding += units;
    if (this.spec.kind === 'rate') this.#level -= units;
  }

  /** Units that were taken have been used for good. */
  spend(units: number): void {
    this.#outstanding -= units;
  }

  /** Units that were taken are free again. */
  giveBack(units: number): void {
    this.#outstanding -= units;
    if (this.spec.kind === 'rate') this.#level += units;
  }

  #refill(nowMs: number): void {
    const grown = this.#level + ((nowMs - this.#atMs) * this.spec.limit) / 1000;
    this.#level = Math.max(this.#level, Math.min(this.capacity - this.#outstanding, grown));
    this.#atMs = nowMs;
  }
}

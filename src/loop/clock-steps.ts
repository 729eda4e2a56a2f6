import { type Clock, wallClock } from '../core/time.ts';

/** Less than this is drift, or a clock that is brought right little by little. */
const leastMs = 5000;

/**
 * Notices that the wall clock was set while the process ran, or that the machine slept: it departs then from the
 * process's own clock, which nobody sets. What waits by the wall clock is moved along by as much, so that it waits for as
 * long as was said.
 */
export class ClockSteps {
  readonly #clock: Clock;
  readonly #ownMs: () => number;
  /** By key: how far apart both clocks are, as far as what waits knows. */
  readonly #apartMs = new Map<string, number>();

  /** @param ownMs a clock that only ever goes forward, and evenly */
  constructor(clock: Clock = wallClock, ownMs = (): number => performance.now()) {
    this.#clock = clock;
    this.#ownMs = ownMs;
  }

  /**
   * By how much the clock was set since this was asked first about what waits under `key`, or since that was moved along:
   * milliseconds, above 0 forward, 0 for less than five seconds.
   */
  of(key: string): number {
    const nowMs = this.#clock.nowMs() - this.#ownMs();
    const knownMs = this.#apartMs.get(key);
    if (knownMs === undefined) this.#apartMs.set(key, nowMs);
    const stepMs = knownMs === undefined ? 0 : Math.round(nowMs - knownMs);
    return Math.abs(stepMs) < leastMs ? 0 : stepMs;
  }

  /** What waits under `key` was moved along by a step. */
  movedAlong(key: string, stepMs: number): void {
    const knownMs = this.#apartMs.get(key);
    if (knownMs !== undefined) this.#apartMs.set(key, knownMs + stepMs);
  }

  /** Nothing waits under `key` any more. */
  forget(key: string): void {
    this.#apartMs.delete(key);
  }
}

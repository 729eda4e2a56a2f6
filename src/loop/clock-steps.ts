import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { type Clock, wallClock } from '../core/time.ts';

/** Less than this is drift, or a clock that is brought right little by little. */
const leastMs = 5000;

/** How far apart both clocks were, as far as what waits knows, to be kept with it while control is down. */
export const clockMarkSchema = z.object({
  /** The machine's run that its own clock counts from. */
  boot: z.string(),
  apartMs: z.number(),
});
export type ClockMark = z.output<typeof clockMarkSchema>;

/** Milliseconds by the machine's own clock, which nobody sets. On Linux all processes of one run of it read the same. */
export const machineMs = (): number => Number(process.hrtime.bigint() / 1_000_000n);

/** What tells runs of this machine apart; null where the system does not say (others than Linux). */
export function machineBoot(): string | null {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return null;
  }
}

/**
 * Notices that the wall clock was set, or that the machine slept: it departs then from the machine's own clock, which
 * nobody sets. What waits by the wall clock is moved along by as much, so that it waits for as long as was said. With a
 * mark that is kept with what waits this holds also while control is down, unless the machine is started again meanwhile.
 */
export class ClockSteps {
  readonly #clock: Clock;
  readonly #ownMs: () => number;
  readonly #boot: string | null;
  /** By key: how far apart both clocks are, as far as what waits knows. */
  readonly #apartMs = new Map<string, number>();

  /**
   * @param ownMs a clock that only ever goes forward, and evenly
   * @param boot what tells runs of that clock apart; null: no mark is kept
   */
  constructor(clock: Clock = wallClock, ownMs: () => number = machineMs, boot: string | null = null) {
    this.#clock = clock;
    this.#ownMs = ownMs;
    this.#boot = boot;
  }

  /**
   * By how much the clock was set since this was asked first about what waits under `key`, or since that was moved along:
   * milliseconds, above 0 forward, 0 for less than five seconds.
   *
   * @param mark what is kept with it: asked first after control was started again, it counts from there
   */
  of(key: string, mark: ClockMark | null = null): number {
    const known = this.#apartMs.get(key) ?? (this.isPresent(mark) ? mark.apartMs : this.#nowApartMs());
    this.#apartMs.set(key, known);
    return this.#stepFrom(known);
  }

  /** By how much it was set since a mark; undefined: the mark is none, or of another run of the machine. */
  since(mark: ClockMark | null): number | undefined {
    return this.isPresent(mark) ? this.#stepFrom(mark.apartMs) : undefined;
  }

  /** How far apart the clocks are now; null: that cannot be told after control is started again. */
  mark(): ClockMark | null {
    return this.#boot === null ? null : { boot: this.#boot, apartMs: this.#nowApartMs() };
  }

  /** Whether a mark is of this run of the machine. */
  isPresent(mark: ClockMark | null): mark is ClockMark {
    return mark !== null && mark.boot === this.#boot;
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

  #nowApartMs(): number {
    return this.#clock.nowMs() - this.#ownMs();
  }

  #stepFrom(apartMs: number): number {
    const stepMs = Math.round(this.#nowApartMs() - apartMs);
    return Math.abs(stepMs) < leastMs ? 0 : stepMs;
  }
}

import type { MillraceError } from '../../../core/errors.ts';
import type { LatelyAsked } from '../contract/lately.ts';

/** Five minutes in ten slots: the oldest goes when a new one begins, so between four and a half and five are counted. */
const slotMs = 30_000;
const slotCount = 10;

interface Slots {
  /** Number of the newest slot since the clock began. */
  newest: number;
  readonly predictions: number[];
  readonly failed: number[];
  readonly refused: number[];
}

/** What was asked of one endpoint lately, how much of that failed here, and how much callers had got wrong. */
interface LatelyCounts extends LatelyAsked {
  readonly endpoint: string;
}

/**
 * Errors that say nothing about an endpoint: the caller left, or its row stood beside one that failed, or a stream was
 * ended because serve stops.
 */
const untold: ReadonlySet<string> = new Set(['cancelled', 'other_arm_failed', 'stream_stopped']);

/** Counts the predictions of the last five minutes by endpoint; copies in shadow are nobody's answer and not counted. */
export class Lately {
  readonly #endpoints = new Map<string, Slots>();
  readonly #nowMs: () => number;

  /** @param nowMs a clock that only goes forward */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /**
   * @param error what they were answered with; null: with an answer
   * @param nowMs what the clock says, from who has just looked
   */
  count(
    endpoint: string,
    arm: string,
    error: MillraceError | null,
    predictions: number,
    nowMs: number = this.#nowMs(),
  ): void {
    if (arm === 'shadow' || (error && untold.has(error.code))) return;
    let slots = this.#endpoints.get(endpoint);
    if (!slots) {
      const empty = (): number[] => new Array<number>(slotCount).fill(0);
      slots = { newest: 0, predictions: empty(), failed: empty(), refused: empty() };
      this.#endpoints.set(endpoint, slots);
    }
    const at = this.#forward(slots, nowMs) % slotCount;
    slots.predictions[at] = (slots.predictions[at] ?? 0) + predictions;
    if (!error) return;
    const wrong = error.status >= 500 ? slots.failed : slots.refused;
    wrong[at] = (wrong[at] ?? 0) + predictions;
  }

  /** Endpoints that nobody has asked lately are left out. */
  get counts(): readonly LatelyCounts[] {
    return [...this.#endpoints].flatMap(([endpoint, slots]) => {
      this.#forward(slots, this.#nowMs());
      const predictions = sum(slots.predictions);
      if (predictions > 0)
        return [{ endpoint, predictions, failed: sum(slots.failed), refused: sum(slots.refused) }];
      this.#endpoints.delete(endpoint);
      return [];
    });
  }

  /**
   * Empties the slots that have come round again, and gives the number of the newest: that stays where somebody has
   * looked at the clock before it came there.
   */
  #forward(slots: Slots, nowMs: number): number {
    const now = Math.max(slots.newest, Math.floor(nowMs / slotMs));
    for (let slot = Math.max(slots.newest + 1, now - slotCount + 1); slot <= now; slot += 1) {
      slots.predictions[slot % slotCount] = 0;
      slots.failed[slot % slotCount] = 0;
      slots.refused[slot % slotCount] = 0;
    }
    slots.newest = now;
    return now;
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0);

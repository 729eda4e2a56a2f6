/** Five minutes in ten slots: the oldest goes when a new one begins, so between four and a half and five are counted. */
const slotMs = 30_000;
const slotCount = 10;

interface Slots {
  /** Number of the newest slot since the clock began. */
  newest: number;
  readonly predictions: number[];
  readonly failed: number[];
}

/** What was asked of one endpoint lately, and how much of that failed. */
export interface LatelyCounts {
  readonly endpoint: string;
  readonly predictions: number;
  readonly failed: number;
}

/** Statuses that say nothing about an endpoint: the caller left, or its row stood beside one that failed. */
const untold: ReadonlySet<string> = new Set(['cancelled', 'other_arm_failed']);

/** Counts the predictions of the last five minutes by endpoint; copies in shadow are nobody's answer and not counted. */
export class Lately {
  readonly #endpoints = new Map<string, Slots>();
  readonly #nowMs: () => number;

  /** @param nowMs a clock that only goes forward */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  count(endpoint: string, arm: string, status: string, predictions: number): void {
    if (arm === 'shadow' || untold.has(status)) return;
    let slots = this.#endpoints.get(endpoint);
    if (!slots) {
      const empty = (): number[] => new Array<number>(slotCount).fill(0);
      slots = { newest: 0, predictions: empty(), failed: empty() };
      this.#endpoints.set(endpoint, slots);
    }
    const at = this.#forward(slots) % slotCount;
    slots.predictions[at] = (slots.predictions[at] ?? 0) + predictions;
    if (status !== 'ok') slots.failed[at] = (slots.failed[at] ?? 0) + predictions;
  }

  /** Endpoints that nobody has asked lately are left out. */
  get counts(): readonly LatelyCounts[] {
    return [...this.#endpoints].flatMap(([endpoint, slots]) => {
      this.#forward(slots);
      const predictions = sum(slots.predictions);
      if (predictions > 0) return [{ endpoint, predictions, failed: sum(slots.failed) }];
      this.#endpoints.delete(endpoint);
      return [];
    });
  }

  /** Empties the slots that have come round again, and gives the number of the newest. */
  #forward(slots: Slots): number {
    const now = Math.floor(this.#nowMs() / slotMs);
    for (let slot = Math.max(slots.newest + 1, now - slotCount + 1); slot <= now; slot += 1) {
      slots.predictions[slot % slotCount] = 0;
      slots.failed[slot % slotCount] = 0;
    }
    slots.newest = now;
    return now;
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0);

import { setTimeout as sleep } from 'node:timers/promises';
import { logBeta } from '../../../core/statistics/special/log-beta.ts';
import type { ArmGuard, GuardCounts } from '../contract.ts';

/** Told once, when an arm has broken its guard. */
type OnBroken = (counts: GuardCounts, reason: string) => void;

/** What all processes that serve an arm counted of it, this one too; null: this is the only one. */
type CountTogether = () => Promise<GuardCounts> | null;

/** The others are asked no more often: each look costs every process a message. */
const lookEveryMs = 10;

/**
 * Watches what an arm answers, in the replica that serves it. Answering costs an addition; only an event (a failure
 * of the arm's own, a slow answer) has its rate tested, because nothing else can break a bound. Where several
 * processes serve the arm, the test is about the counts of all of them.
 */
export class GuardedArm {
  readonly guard: ArmGuard;
  readonly #onBroken: OnBroken;
  readonly #slowSeconds: number;
  #requests = 0;
  #failed = 0;
  #slow = 0;
  #nonFinite = 0;
  #broken = false;
  readonly #together: CountTogether;
  /** The others are being asked; events meanwhile are looked at afterwards. */
  #asking = false;
  #again = false;

  constructor(guard: ArmGuard, onBroken: OnBroken, together: CountTogether = () => null) {
    this.guard = guard;
    this.#onBroken = onBroken;
    this.#together = together;
    this.#slowSeconds = guard.slowMs === null ? Number.POSITIVE_INFINITY : guard.slowMs / 1000;
  }

  get broken(): boolean {
    return this.#broken;
  }

  get counts(): GuardCounts {
    return {
      requests: this.#requests,
      failed: this.#failed,
      slow: this.#slow,
      nonFinite: this.#nonFinite,
    };
  }

  /** Rows of one request were answered. */
  answered(rows: number, seconds: number): void {
    this.#requests += rows;
    if (seconds <= this.#slowSeconds) return;
    this.#slow += rows;
    this.#look();
  }

  /** A request failed by the arm's own fault. */
  failed(rows: number, code: string): void {
    this.#requests += rows;
    this.#failed += rows;
    if (code === 'output_not_finite') {
      this.#nonFinite += rows;
      if (!this.guard.allowNonFinite)
        this.#break(this.counts, `a score of ${this.#requests} was NaN or infinite`);
    }
    this.#look(code);
  }

  /** Another process found the arm broken: it is so here, and nobody is told. */
  lose(): void {
    this.#broken = true;
  }

  #look(code = ''): void {
    if (this.#broken) return;
    this.#again = true;
    if (!this.#asking) this.#lookTogether(code);
  }

  #lookTogether(code: string): void {
    this.#again = false;
    const asked = this.#together();
    if (!asked) {
      this.#judge(this.counts, code);
      return;
    }
    this.#asking = true;
    // Where the others cannot be reached, what was counted here has to do.
    void asked
      .catch(() => this.counts)
      .then((counts) => this.#judge(counts, code))
      .then(() => sleep(lookEveryMs, undefined, { ref: false }))
      .then(() => {
        this.#asking = false;
        if (this.#again && !this.#broken) this.#lookTogether(code);
      });
  }

  #judge(counts: GuardCounts, code: string): void {
    const { requests, failed, slow } = counts;
    const { guard } = this;
    if (exceeds(slow, requests, guard.maxSlowRatio, guard.alpha)) {
      this.#break(
        counts,
        `${slow} of ${requests} answers took longer than ${guard.slowMs} ms; ${percent(guard.maxSlowRatio)} may`,
      );
    }
    if (exceeds(failed, requests, guard.maxErrorRatio, guard.alpha)) {
      const last = code === '' ? '' : ` (${code})`;
      this.#break(
        counts,
        `${failed} of ${requests} requests failed${last}; ${percent(guard.maxErrorRatio)} may`,
      );
    }
  }

  #break(counts: GuardCounts, reason: string): void {
    if (this.#broken) return;
    this.#broken = true;
    this.#onBroken(counts, reason);
  }
}

/**
 * Is a rate known to be above a limit? Whether the limit is below the anytime-valid confidence sequence of the rate
 * (see proportionConfidenceSequence), without searching for its ends.
 */
export function exceeds(events: number, n: number, limit: number, alpha: number): boolean {
  if (events <= n * limit) return false;
  const mixture = logBeta(events + 0.5, n - events + 0.5) - logBeta(0.5, 0.5);
  const atLimit = events * Math.log(limit) + (n - events) * Math.log1p(-limit);
  return mixture - atLimit >= Math.log(1 / alpha);
}

function percent(ratio: number): string {
  return `${Number((100 * ratio).toFixed(2))} %`;
}

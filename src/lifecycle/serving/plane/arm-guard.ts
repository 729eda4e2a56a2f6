import { logBeta } from '../../../core/statistics/special/logBeta.ts';
import type { ArmGuard, GuardCounts } from '../contract.ts';

/** Told once, when an arm has broken its guard. */
export type OnBroken = (counts: GuardCounts, reason: string) => void;

/**
 * Watches what an arm answers, in the replica that serves it. Answering costs an addition; only an event (a failure
 * of the arm's own, a slow answer) has its rate tested, because nothing else can break a bound.
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

  constructor(guard: ArmGuard, onBroken: OnBroken) {
    this.guard = guard;
    this.#onBroken = onBroken;
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
    const { guard } = this;
    if (exceeds(this.#slow, this.#requests, guard.maxSlowRatio, guard.alpha)) {
      this.#break(
        `${this.#slow} of ${this.#requests} answers took longer than ${guard.slowMs} ms; ${percent(guard.maxSlowRatio)} may`,
      );
    }
  }

  /** A request failed by the arm's own fault. */
  failed(rows: number, code: string): void {
    this.#requests += rows;
    this.#failed += rows;
    const { guard } = this;
    if (code === 'output_not_finite') {
      this.#nonFinite += rows;
      if (!guard.allowNonFinite) this.#break(`a score of ${this.#requests} was NaN or infinite`);
    }
    if (exceeds(this.#failed, this.#requests, guard.maxErrorRatio, guard.alpha)) {
      this.#break(
        `${this.#failed} of ${this.#requests} requests failed (${code}); ${percent(guard.maxErrorRatio)} may`,
      );
    }
  }

  #break(reason: string): void {
    if (this.#broken) return;
    this.#broken = true;
    this.#onBroken(this.counts, reason);
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

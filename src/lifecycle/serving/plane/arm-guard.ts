import { setTimeout as sleep } from 'node:timers/promises';
import { RateRise } from '../../../core/statistics/sequential/rate-rise.ts';
import { logBeta } from '../../../core/statistics/special/log-beta.ts';
import type { ArmGuard, GuardCounts } from '../contract.ts';
import { SlowRequests, type UnderWay } from './slow-requests.ts';

/** Told once, when an arm has broken its guard. */
type OnBroken = (counts: GuardCounts, reason: string) => void;

/** What all processes that serve an arm counted of it, this one too; null: this is the only one. */
type CountTogether = () => Promise<GuardCounts> | null;

/** The others are asked no more often: each look costs every process a message. */
const lookEveryMs = 10;

/** Of a guard's alpha, what a rise of a rate may be seen wrongly with in one process: others may serve the arm too. */
const shareForRises = 0.01;
/** Failures within so long are one event of a rise: a worker that ends takes all with it that it had been given. */
const failedEveryMs = 50;
/** The same of slow requests: a stall of the machine makes all slow that is under way. */
const slowEveryMs = 1000;
/** Entities whose failures are one event of a rise: who cannot be answered comes back. */
const rememberedEntities = 100;

/** What share of a champion's last requests, some ten of them, failed by its own fault. */
export class RecentFailures {
  #share = 0;

  get share(): number {
    return this.#share;
  }

  count(isFailed: boolean): void {
    this.#share += (Number(isFailed) - this.#share) / 10;
  }
}

/**
 * Watches what an arm answers, in the replica that serves it. Answering costs a few additions; only an event (a failure
 * of the arm's own, a slow request) has rates tested, because nothing else can break a bound. There are two tests: of
 * the rate since the arm began, and of a rise, as when a model dies that was well for days. Where several processes serve
 * the arm, the first is of the counts of all of them.
 */
export class GuardedArm {
  readonly guard: ArmGuard;
  readonly #onBroken: OnBroken;
  readonly #champion: RecentFailures;
  readonly #together: CountTogether;
  readonly #slowRequests: SlowRequests;
  #requests = 0;
  #failed = 0;
  #slow = 0;
  #nonFinite = 0;
  #broken = false;
  readonly #failures: RateRise;
  readonly #failedEntities = new Set<string>();
  #failureSeenMs = Number.NEGATIVE_INFINITY;
  readonly #slowness: RateRise;
  #slowSeenMs = Number.NEGATIVE_INFINITY;
  /** The others are being asked; events meanwhile are looked at afterwards. */
  #asking = false;
  #again = false;

  /** @param champion where it fails as well, a rise of failures is not this arm's fault */
  constructor(
    guard: ArmGuard,
    onBroken: OnBroken,
    champion: RecentFailures = new RecentFailures(),
    together: CountTogether = () => null,
  ) {
    this.guard = guard;
    this.#onBroken = onBroken;
    this.#champion = champion;
    this.#together = together;
    this.#slowRequests = new SlowRequests(guard.slowMs, (nowMs) => this.#sawSlow(nowMs));
    this.#failures = new RateRise(guard.maxErrorRatio, guard.alpha * shareForRises);
    this.#slowness = new RateRise(guard.maxSlowRatio, guard.alpha * shareForRises);
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

  /** A request of one row or many. It ends with `answered`, `failed` or `left`. */
  began(startedMs: number): UnderWay {
    return this.#slowRequests.began(startedMs);
  }

  answered(request: UnderWay, endedMs: number): void {
    this.#slowRequests.ended(request, endedMs);
    this.#failures.add(false);
    if (request.isSlow) return;
    this.#requests++;
    this.#slowness.add(false);
  }

  /**
   * A request failed by the arm's own fault.
   *
   * @param entity who it is about, where that is known
   */
  failed(request: UnderWay, endedMs: number, code: string, entity: string | null): void {
    this.#slowRequests.ended(request, endedMs);
    if (!request.isSlow) this.#requests++;
    this.#failed++;
    if (this.#isFirstOf(entity) && endedMs - this.#failureSeenMs >= failedEveryMs) {
      this.#failureSeenMs = endedMs;
      this.#failures.add(true);
    }
    if (code === 'output_not_finite') {
      this.#nonFinite++;
      const { nonFinite, requests } = this.counts;
      if (!this.guard.allowNonFinite)
        this.#break(this.counts, `a score was NaN or infinite in ${nonFinite} of ${requests} requests`);
    }
    this.#look(code);
  }

  /** A request failed by its caller's fault, or its caller had no more time: that says nothing about the arm. */
  left(request: UnderWay, endedMs: number): void {
    this.#slowRequests.ended(request, endedMs);
  }

  /** Another process found the arm broken: it is so here, and nobody is told. */
  lose(): void {
    this.#broken = true;
  }

  #sawSlow(nowMs: number): void {
    this.#requests++;
    this.#slow++;
    if (nowMs - this.#slowSeenMs >= slowEveryMs) {
      this.#slowSeenMs = nowMs;
      this.#slowness.add(true);
    }
    this.#look();
  }

  #isFirstOf(entity: string | null): boolean {
    if (entity === null) return true;
    const known = this.#failedEntities;
    if (known.has(entity)) return false;
    known.add(entity);
    const [oldest] = known;
    if (known.size > rememberedEntities && oldest !== undefined) known.delete(oldest);
    return true;
  }

  #look(code = ''): void {
    if (this.#broken) return;
    this.#lookForRises(code);
    this.#again = true;
    if (!this.#asking) this.#lookTogether(code);
  }

  #lookForRises(code: string): void {
    if (this.#slowness.risen) {
      const { events, trials } = this.#slowness.lately;
      this.#break(this.counts, `lately, counted once a second, ${this.#slowText(events, trials)}`);
    }
    if (!this.#failures.risen) return;
    const { events, trials } = this.#failures.lately;
    if (this.#champion.share > events / trials / 2) this.#failures.forget();
    else this.#break(this.counts, `lately ${this.#failedText(events, trials, code)}`);
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
    const { maxSlowRatio, maxErrorRatio, alpha } = this.guard;
    if (exceeds(slow, requests, maxSlowRatio, alpha)) this.#break(counts, this.#slowText(slow, requests));
    if (exceeds(failed, requests, maxErrorRatio, alpha))
      this.#break(counts, this.#failedText(failed, requests, code));
  }

  #slowText(slow: number, requests: number): string {
    const { slowMs, maxSlowRatio } = this.guard;
    return `${slow} of ${requests} requests took longer than ${slowMs} ms; ${percent(maxSlowRatio)} may`;
  }

  #failedText(failed: number, requests: number, code: string): string {
    const last = code === '' ? '' : ` (${code})`;
    return `${failed} of ${requests} requests failed${last}; ${percent(this.guard.maxErrorRatio)} may`;
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

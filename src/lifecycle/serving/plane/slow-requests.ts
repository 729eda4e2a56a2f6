import { longestTimerMs } from '../../../core/time.ts';

/** A request that an arm is computing. */
export interface UnderWay {
  /** By the monotonic clock. */
  readonly startedMs: number;
  /** Has it taken too long already? */
  isSlow: boolean;
}

/** Tells of each request once it has taken too long, while it is still under way: nobody may ever answer it. */
export class SlowRequests {
  readonly #slowMs: number;
  readonly #onSlow: (nowMs: number) => void;
  /** What may yet be slow, oldest first. */
  readonly #underWay = new Set<UnderWay>();
  /** Set while anything is under way. */
  #alarm: NodeJS.Timeout | null = null;

  /** @param slowMs null: nothing is slow */
  constructor(slowMs: number | null, onSlow: (nowMs: number) => void) {
    this.#slowMs = slowMs ?? Number.POSITIVE_INFINITY;
    this.#onSlow = onSlow;
  }

  began(startedMs: number): UnderWay {
    const request = { startedMs, isSlow: false };
    if (this.#slowMs === Number.POSITIVE_INFINITY) return request;
    this.#underWay.add(request);
    if (!this.#alarm) this.#setAlarm(startedMs, startedMs);
    return request;
  }

  /** Each request that began ends; one that took too long unseen is told of now. */
  ended(request: UnderWay, endedMs: number): void {
    this.#underWay.delete(request);
    if (!request.isSlow && endedMs - request.startedMs > this.#slowMs) this.#tell(request, endedMs);
  }

  #tell(request: UnderWay, nowMs: number): void {
    request.isSlow = true;
    this.#onSlow(nowMs);
  }

  #setAlarm(startedMs: number, nowMs: number): void {
    const waitMs = startedMs + this.#slowMs - nowMs;
    this.#alarm = setTimeout(() => this.#look(), Math.min(waitMs, longestTimerMs)).unref();
  }

  #look(): void {
    this.#alarm = null;
    const nowMs = performance.now();
    for (const request of this.#underWay) {
      if (nowMs - request.startedMs <= this.#slowMs) {
        this.#setAlarm(request.startedMs, nowMs);
        return;
      }
      this.#underWay.delete(request);
      this.#tell(request, nowMs);
    }
  }
}

import { eachOf } from '../../core/each-of.ts';
import type { Clock } from '../../core/time.ts';
import type { Logger } from '../../platform/log/index.ts';
import type { Queries } from './labels/queries.ts';
import { type Compaction, graceMs } from './segments/compaction.ts';
import type { Removal } from './segments/removal.ts';
import type { SegmentIndex } from './segments/segment-index.ts';
import type { SetAside } from './segments/set-aside.ts';
import type { SegmentFamily } from './store.ts';

export interface UpkeepOptions {
  readonly queries: Queries;
  readonly compaction: Compaction;
  readonly removal: Removal;
  readonly index: SegmentIndex;
  readonly aside: SetAside;
  /** Tries the labels that wait for their predictions, at all endpoints. */
  readonly matchAll: () => Promise<unknown>;
  /** Applies the outcome rules of all endpoints. */
  readonly applyRules: () => Promise<unknown>;
  readonly clock: Clock;
  readonly log: Logger;
}

const tickMs = 5000;
/** Every so many ticks: outcome rules and labels that wait; compaction and retention. */
const every = { rules: 6, compaction: 60 } as const;

/**
 * What has to be done again and again with the log and the labels, one thing after the other, beside label queries that
 * are due. A failure is told and tried again on the next round.
 */
export class Upkeep {
  readonly #options: UpkeepOptions;
  #timer: NodeJS.Timeout | undefined;
  #tick = 0;
  #running: Promise<void> | null = null;
  /** Queries that are due: a database that is slow, or answers no more, holds up nothing else. */
  #querying: Promise<void> | null = null;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: UpkeepOptions) {
    this.#options = options;
  }

  start(): void {
    this.#timer ??= setInterval(() => this.#round(), tickMs);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    await this.#querying;
    await this.#running;
    await this.#last.catch(() => undefined);
  }

  /** Does something that rewrites segments while nothing else does. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work, work);
    this.#last = done.catch(() => undefined);
    return done;
  }

  /**
   * Indexes new segments, compacts, applies retention, and deletes files that nobody reads any more. What fails is
   * thrown when the rest is done.
   */
  tidy(force = false, endpoint?: string): Promise<{ readonly compacted: number; readonly removed: number }> {
    const { compaction, removal, aside, clock } = this.#options;
    return this.alone(async () => {
      const done = { compacted: 0, removed: 0 };
      const compact = (family: SegmentFamily) => async () => {
        done.compacted += await compaction.run(family, endpoint, force);
      };
      const work: readonly (() => Promise<unknown>)[] = [
        () => aside.review(true),
        () => this.#index(),
        async () => {
          done.removed = await removal.removeOld();
        },
        compact('prediction'),
        compact('label'),
        () => this.#index(),
        () => compaction.release(clock.nowMs() - graceMs),
      ];
      await eachOf(work, (step) => step());
      return done;
    });
  }

  /** Indexes what is not indexed yet; returns how many segments those were. */
  indexNow(): Promise<number> {
    return this.alone(() => this.#index());
  }

  async #index(): Promise<number> {
    const { removal, index, aside } = this.#options;
    await aside.review(false);
    await removal.eraseFromNew();
    let indexed = 0;
    for (const family of ['prediction', 'label'] as const)
      for (let some = -1; some !== 0; indexed += some) some = await index.indexSome(family);
    return indexed;
  }

  #round(): void {
    const { queries, matchAll, applyRules } = this.#options;
    this.#querying ??= this.#each([() => queries.runDue()]).finally(() => {
      this.#querying = null;
    });
    if (this.#running) return;
    const tick = this.#tick++;
    const work = [
      () => this.indexNow(),
      ...(tick % every.rules === 0 ? [matchAll, applyRules] : []),
      ...(tick % every.compaction === every.compaction - 1 ? [() => this.tidy()] : []),
    ];
    this.#running = this.#each(work).finally(() => {
      this.#running = null;
    });
  }

  async #each(work: readonly (() => Promise<unknown>)[]): Promise<void> {
    for (const step of work) {
      if (!this.#timer) return;
      await step().catch((error: unknown) =>
        this.#options.log.warn({ err: error }, 'upkeep of labels and log: to be tried again'),
      );
    }
  }
}

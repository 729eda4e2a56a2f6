import { eachOf } from '../../../core/each-of.ts';
import { uuidv7 } from '../../../core/ids.ts';
import type { Clock } from '../../../core/time.ts';
import type { Database } from '../../../platform/db/index.ts';
import { type FeedbackStore, type RewritableSegment, type SegmentFamily, SegmentsChanged } from '../store.ts';
import { byColumns, mostRows, type RewriteOptions, rewriteSegments } from './rewrite.ts';
import type { SetAside } from './set-aside.ts';

interface CompactionOptions extends RewriteOptions {
  readonly db: Database;
  readonly store: FeedbackStore;
  readonly clock: Clock;
  readonly aside: SetAside;
}

const dayMs = 86_400_000;
/** A segment of fewer rows is small. */
const smallRows = mostRows / 2;
/** Small segments of a day that is not over yet are left alone until there are so many. */
const manySmall = 100;
/** What one rewriting takes at most: it has to fit beside everything else. */
const mostRowsAtOnce = 2_000_000;
const mostFilesAtOnce = 500;

/** How long a reader that has listed segments may go on reading their files. */
export const graceMs = 3_600_000;

/**
 * Makes few large segments of many small ones, sorted, by day and endpoint. The new ones take the place of the old
 * ones in one transaction, so a reader sees each row once whenever it looks; a crash before that leaves the old
 * ones, after it the new ones. Old files stay for `graceMs`.
 */
export class Compaction {
  readonly #options: CompactionOptions;

  constructor(options: CompactionOptions) {
    this.#options = options;
  }

  /**
   * Compacts what is worth it; returns how many segments were replaced. What fails is thrown when the rest is done.
   *
   * @param force also small segments of days that are not over
   */
  async run(family: SegmentFamily, endpoint?: string, force = false): Promise<number> {
    const groups = new Map<string, RewritableSegment[]>();
    for (const segment of await this.#options.store.rewritable(family, endpoint)) {
      const key = `${segment.kind} ${segment.endpoint}`;
      groups.set(key, [...(groups.get(key) ?? []), segment]);
    }
    let replaced = 0;
    await eachOf(groups.values(), async (segments) => {
      replaced += await this.#compactGroup(family, segments, force);
    });
    return replaced;
  }

  /** Deletes the files of segments that were replaced long enough ago. Returns how many. */
  async release(beforeMs: number): Promise<number> {
    const { db, store, blobs } = this.#options;
    let count = 0;
    for (const family of ['prediction', 'label'] as const) {
      const { ids, digests } = await store.releasable(family, beforeMs);
      // Forgotten last: a file that nobody knew of any more would stay, with rows that were erased.
      for (const digest of digests) await blobs.delete(digest, beforeMs);
      await db.write((tx) => store.forgetBlobs(tx, family, ids));
      count += digests.length;
    }
    return count;
  }

  async #compactGroup(
    family: SegmentFamily,
    segments: readonly RewritableSegment[],
    force: boolean,
  ): Promise<number> {
    const todayMs = Math.floor(this.#options.clock.nowMs() / dayMs) * dayMs;
    const small = segments.filter(({ rows }) => rows < smallRows);
    // Rows may be of days to come: those in one file with them would stay as long.
    const over = small.filter((s) => s.maxEventTimeMs < todayMs || s.registeredAtMs < todayMs);
    const wanted = withoutDaily(force || small.length >= manySmall ? small : over);
    let replaced = 0;
    await eachOf(cut(wanted), async (some) => {
      replaced += await this.#compactPortion(family, some);
    });
    return replaced;
  }

  /** Compacts these; where some of them cannot be read, the others without them. */
  async #compactPortion(family: SegmentFamily, some: readonly RewritableSegment[]): Promise<number> {
    let replaced = 0;
    try {
      for (const same of await byColumns(this.#options, some)) {
        const worth = withoutDaily(same);
        if (worth.length > 0 && (await this.#replace(family, worth))) replaced += worth.length;
      }
      return replaced;
    } catch (error) {
      const aside = await this.#options.aside.examine(family, some);
      if (aside.size === 0) throw error;
      // What was replaced before it failed is not there any more: left for the next round.
      if (replaced > 0) return replaced;
      return this.#compactPortion(
        family,
        some.filter(({ id }) => !aside.has(id)),
      );
    }
  }

  async #replace(family: SegmentFamily, before: readonly RewritableSegment[]): Promise<boolean> {
    const { db, store, clock } = this.#options;
    const newest = before.reduce((max, { id }) => (id > max ? id : max), '');
    // Readers of labels go on behind the greatest id that they know: what holds its rows must not come before it.
    const idOf = (n: number): string => (family === 'label' ? `${newest}.${n}` : uuidv7());
    const count = (list: readonly { readonly rows: number }[]) =>
      list.reduce((sum, { rows }) => sum + rows, 0);
    const ids = before.map(({ id }) => id);
    try {
      await rewriteSegments(this.#options, before, 'true', idOf, async (after) => {
        if (count(before) !== count(after))
          throw new Error(`compaction of ${before.length} segments lost rows`);
        await db.write((tx) => store.replace(tx, family, ids, after, 'compaction', clock.nowMs()));
      });
      return true;
    } catch (error) {
      if (error instanceof SegmentsChanged) return false;
      throw error;
    }
  }
}

/** Leaves out what is the only segment of its day already: writing it anew would change nothing. */
function withoutDaily(segments: readonly RewritableSegment[]): readonly RewritableSegment[] {
  const dayOf = (timeMs: number): number => Math.floor(timeMs / dayMs);
  const perDay = new Map<number, number>();
  for (const { minEventTimeMs, maxEventTimeMs } of segments)
    for (let day = dayOf(minEventTimeMs); day <= dayOf(maxEventTimeMs); day++)
      perDay.set(day, (perDay.get(day) ?? 0) + 1);
  return segments.filter(({ minEventTimeMs, maxEventTimeMs }) => {
    const day = dayOf(minEventTimeMs);
    return day !== dayOf(maxEventTimeMs) || (perDay.get(day) ?? 0) > 1;
  });
}

/** Portions that one rewriting can take, in order of time. */
function cut(segments: readonly RewritableSegment[]): readonly RewritableSegment[][] {
  const portions: RewritableSegment[][] = [];
  let rows = Number.POSITIVE_INFINITY;
  for (const segment of segments) {
    const last = portions.at(-1);
    if (!last || rows + segment.rows > mostRowsAtOnce || last.length >= mostFilesAtOnce) {
      portions.push([segment]);
      rows = segment.rows;
    } else {
      last.push(segment);
      rows += segment.rows;
    }
  }
  return portions;
}

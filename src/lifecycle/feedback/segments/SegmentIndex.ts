import type { Digest } from '../../../core/json.ts';
import type { DirectoryBlobStore } from '../../../platform/blobs/index.ts';
import type { Database } from '../../../platform/db/index.ts';
import type { Frames } from '../../../platform/frames/index.ts';
import type { FeedbackStore, IndexedSegment, SegmentFamily } from '../store.ts';
import { filterOfFile, mayHold } from './segmentFilter.ts';

export interface SegmentIndexOptions {
  readonly db: Database;
  readonly blobs: DirectoryBlobStore;
  readonly frames: Frames;
  readonly store: FeedbackStore;
}

/** Filters in memory: enough for 32 million ids. What is used least is read again when it is wanted. */
const cacheBytes = 64 * 1024 * 1024;

/** Finds the few segments that may hold an id or an entity without opening the others. */
export class SegmentIndex {
  readonly #options: SegmentIndexOptions;
  /** By digest, least recently used first. */
  readonly #filters = new Map<string, Uint8Array>();
  #size = 0;

  constructor(options: SegmentIndexOptions) {
    this.#options = options;
  }

  /** The segments that may hold a key; those that are not indexed yet are among them. */
  async candidates<T extends IndexedSegment>(segments: readonly T[], keys: readonly string[]): Promise<T[]> {
    const found: T[] = [];
    for (const segment of segments) {
      const filter = segment.filterDigest === null ? null : await this.#filter(segment.filterDigest);
      if (!filter || keys.some((key) => mayHold(filter, key))) found.push(segment);
    }
    return found;
  }

  /** Indexes segments that are not yet; returns how many it did. */
  async indexSome(family: SegmentFamily, limit = 50): Promise<number> {
    const { db, store } = this.#options;
    const segments = await store.unindexed(family, limit);
    for (const { id, digest } of segments) {
      const filterDigest = await this.make(digest);
      await db.write((tx) => store.setFilter(tx, family, id, filterDigest));
    }
    return segments.length;
  }

  /** Makes and stores the filter of a segment's blob. */
  async make(digest: string): Promise<string> {
    const { blobs, frames } = this.#options;
    const filter = await filterOfFile(frames, await blobs.path(digest as Digest));
    return (await blobs.put(filter)).digest;
  }

  async #filter(digest: string): Promise<Uint8Array | null> {
    const known = this.#filters.get(digest);
    if (known) {
      this.#filters.delete(digest);
      this.#filters.set(digest, known);
      return known;
    }
    const { blobs } = this.#options;
    if (!(await blobs.info(digest as Digest))) return null;
    const read = await blobs.bytes(digest as Digest);
    this.#filters.set(digest, read);
    this.#size += read.length;
    for (const [oldest, bytes] of this.#filters) {
      if (this.#size <= cacheBytes) break;
      this.#filters.delete(oldest);
      this.#size -= bytes.length;
    }
    return read;
  }
}

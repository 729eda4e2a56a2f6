import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { uuidv7 } from '../../../core/ids.ts';
import type { Digest } from '../../../core/json.ts';
import type { DirectoryBlobStore } from '../../../platform/blobs/index.ts';
import type { Database } from '../../../platform/db/index.ts';
import type { Frames } from '../../../platform/frames/index.ts';
import type {
  FeedbackStore,
  IndexedSegment,
  MadeIndex,
  SegmentFamily,
  StoredPredictionSegment,
} from '../store.ts';
import {
  type EntityPlace,
  type EntityQuestion,
  type EntityRow,
  findEntityRows,
  writeEntityFile,
} from './entity-file.ts';
import { filterOfFile, hashKey, keyOf, mayHold } from './segment-filter.ts';
import type { SetAside } from './set-aside.ts';

export interface SegmentIndexOptions {
  readonly db: Database;
  readonly blobs: DirectoryBlobStore;
  readonly frames: Frames;
  readonly store: FeedbackStore;
  /** Where files lie until they are blobs. */
  readonly directory: string;
  readonly aside: SetAside;
}

/** An entity and when it is looked for: event time in [fromMs, toMs). */
export interface EntitySpan {
  readonly entity: string;
  readonly fromMs: number;
  readonly toMs: number;
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
    const hashed = keys.map(hashKey);
    for (const segment of segments) {
      const filter = segment.filterDigest === null ? null : await this.#filter(segment.filterDigest);
      if (!filter || hashed.some((key) => mayHold(filter, key))) found.push(segment);
    }
    return found;
  }

  /** The segments that may hold some of these predictions, each with those that it may hold. */
  async holding<T extends IndexedSegment>(
    segments: readonly T[],
    ids: readonly string[],
  ): Promise<readonly { readonly segment: T; readonly ids: readonly string[] }[]> {
    const found: { segment: T; ids: readonly string[] }[] = [];
    const hashed = ids.map((id) => hashKey(keyOf.predictionId(id)));
    for (const segment of segments) {
      const filter = segment.filterDigest === null ? null : await this.#filter(segment.filterDigest);
      const held = filter ? ids.filter((_, i) => mayHold(filter, hashed[i] ?? [0, 0])) : ids;
      if (held.length > 0) found.push({ segment, ids: held });
    }
    return found;
  }

  /** The newest rows of entities in these segments, without reading what is of others. */
  async entityRows(
    segments: readonly StoredPredictionSegment[],
    question: EntityQuestion,
  ): Promise<readonly EntityRow[]> {
    const { blobs, frames } = this.#options;
    const files = { indexed: [] as string[], segments: [] as string[] };
    for (const { digest, entityDigest } of segments) {
      const isThere = entityDigest !== null && (await blobs.info(entityDigest)) !== undefined;
      if (isThere) files.indexed.push(await blobs.path(entityDigest));
      else files.segments.push(await blobs.path(digest));
    }
    return findEntityRows(frames, files, question);
  }

  /** In which files to look for entities, each in its own span of event time. */
  async placesOf(
    segments: readonly StoredPredictionSegment[],
    wanted: readonly EntitySpan[],
  ): Promise<readonly EntityPlace[]> {
    const { blobs } = this.#options;
    const hashed = wanted.map(({ entity, ...span }) => {
      return { entity, key: hashKey(keyOf.entity(entity)), ...span };
    });
    const places: EntityPlace[] = [];
    for (const segment of segments) {
      const { filterDigest, entityDigest, minEventTimeMs, maxEventTimeMs } = segment;
      const near = hashed.filter((w) => w.fromMs <= maxEventTimeMs && w.toMs > minEventTimeMs);
      if (near.length === 0) continue;
      const filter = filterDigest === null ? null : await this.#filter(filterDigest);
      const held = filter ? near.filter(({ key }) => mayHold(filter, key)) : near;
      if (held.length === 0) continue;
      const entities = [...new Set(held.map(({ entity }) => entity))];
      const indexed = entityDigest !== null && (await blobs.info(entityDigest)) !== undefined;
      const path = await blobs.path(indexed ? entityDigest : segment.digest);
      places.push({ path, indexed, entities });
    }
    return places;
  }

  /** Indexes segments that are not yet, or sets them aside; returns how many. */
  async indexSome(family: SegmentFamily, limit = 50): Promise<number> {
    const { db, store, aside } = this.#options;
    const segments = await store.unindexed(family, limit);
    for (const segment of segments) {
      const made = await aside.reading(family, segment, () => this.#make(family, segment.digest));
      if (made) await db.write((tx) => store.setIndex(tx, family, segment.id, made));
    }
    return segments.length;
  }

  async #make(family: SegmentFamily, digest: Digest): Promise<MadeIndex> {
    const { blobs, frames, directory } = this.#options;
    const segment = await blobs.path(digest);
    const filter = await blobs.put(await filterOfFile(frames, segment));
    if (family === 'label') return { filterDigest: filter.digest, entityDigest: null };
    const path = join(directory, `${uuidv7()}.entities.parquet`);
    try {
      await writeEntityFile(frames, segment, path);
      const entities = await blobs.put(createReadStream(path));
      return { filterDigest: filter.digest, entityDigest: entities.digest };
    } finally {
      await rm(path, { force: true });
    }
  }

  async #filter(digest: Digest): Promise<Uint8Array | null> {
    const known = this.#filters.get(digest);
    if (known) {
      this.#filters.delete(digest);
      this.#filters.set(digest, known);
      return known;
    }
    const { blobs } = this.#options;
    if (!(await blobs.info(digest))) return null;
    const read = await blobs.bytes(digest);
    // Another look may have read it meanwhile.
    if (this.#filters.has(digest)) return read;
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

import { sql } from 'kysely';
import type { Digest } from '../../core/json.ts';
import { type Database, type Tx, tables } from '../../platform/db/index.ts';
import type { LabelSegment, PredictionSegment } from './contract.ts';

/** What a label segment holds. */
export type LabelKind = 'label' | 'signal';
/** The two families of segments. */
export type SegmentFamily = 'prediction' | 'label';

interface SegmentRow {
  readonly id: string;
  readonly endpoint: string;
  readonly digest: Digest;
  readonly row_count: number;
  readonly min_event_time_ms: number;
  readonly max_event_time_ms: number;
  readonly registered_at_ms: number;
}

interface Kept {
  /** `rewrite`: made here of other segments; anything else: as it came. */
  readonly origin: string;
  /** Blob that says which ids it may hold; see SegmentFilter. */
  readonly filter_digest: Digest | null;
  /** Blob that says which predictions are of which entity, see `writeEntityFile`; null of labels. */
  readonly entity_digest: Digest | null;
  /** The segment that has its rows now, or why it has gone. */
  readonly replaced_by: string | null;
  readonly replaced_at_ms: number | null;
  /** Why nobody reads it, see `SetAside`; null: it is read. */
  readonly set_aside: string | null;
}

interface FeedbackTables {
  prediction_segments: SegmentRow & Kept & { readonly replica_id: string | null };
  label_segments: SegmentRow & Kept & { readonly kind: LabelKind };
}

/** Which prediction segments: those that may hold rows with event time in [fromMs, toMs). */
export interface SegmentFilter {
  readonly endpoint?: string | undefined;
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
  /** As they came at this wall clock time or later, also those whose rows are in other segments by now. */
  readonly registeredSinceMs?: number | undefined;
}

/** A segment with the blob of its ids, if that was made already. */
export type IndexedSegment = Pick<LabelSegment, 'id' | 'digest'> & { readonly filterDigest: Digest | null };

/** A prediction segment with the blobs that are made of it. */
export type StoredPredictionSegment = PredictionSegment &
  IndexedSegment & { readonly entityDigest: Digest | null };

/** The blobs that tell what is in a segment. */
export interface MadeIndex {
  readonly filterDigest: Digest;
  /** null of labels. */
  readonly entityDigest: Digest | null;
}

/** A segment as compaction and erasure see it. */
export interface RewritableSegment extends LabelSegment {
  readonly filterDigest: Digest | null;
  readonly kind: LabelKind;
  readonly registeredAtMs: number;
}

/** A segment whose file cannot be read, and why; see `SetAside`. */
export interface AsideSegment extends LabelSegment {
  readonly family: SegmentFamily;
  readonly why: string;
}

const tableOf = { prediction: 'prediction_segments', label: 'label_segments' } as const;

/** The only reader and writer of `prediction_segments` and `label_segments`. */
export class FeedbackStore {
  readonly #read: Tx;

  constructor(db: Database) {
    this.#read = db.read;
  }

  /** Adds a segment unless its id is or was there already; says whether it was added. */
  async insertPredictionSegment(tx: Tx, segment: PredictionSegment, nowMs: number): Promise<boolean> {
    const rows = await tables<FeedbackTables>(tx)
      .insertInto('prediction_segments')
      .values({
        ...toRow(segment, nowMs),
        ...fresh('replica'),
        replica_id: segment.replicaId ?? null,
      })
      .onConflict((c) => c.column('id').doNothing())
      .returning('id')
      .execute();
    return rows.length > 0;
  }

  /** Adds a segment unless its id is or was there already; says whether it was added. */
  async insertLabelSegment(tx: Tx, segment: LabelSegment, kind: LabelKind, nowMs: number): Promise<boolean> {
    const rows = await tables<FeedbackTables>(tx)
      .insertInto('label_segments')
      .values({ ...toRow(segment, nowMs), ...fresh('intake'), kind })
      .onConflict((c) => c.column('id').doNothing())
      .returning('id')
      .execute();
    return rows.length > 0;
  }

  /** Segments that may hold such rows, those with the newest rows first. */
  async predictionSegments(filter: SegmentFilter): Promise<readonly StoredPredictionSegment[]> {
    let query = tables<FeedbackTables>(this.#read).selectFrom('prediction_segments').selectAll();
    if (filter.endpoint !== undefined) query = query.where('endpoint', '=', filter.endpoint);
    if (filter.fromMs !== undefined) query = query.where('max_event_time_ms', '>=', filter.fromMs);
    if (filter.toMs !== undefined) query = query.where('min_event_time_ms', '<', filter.toMs);
    query =
      filter.registeredSinceMs === undefined
        ? query.where('replaced_by', 'is', null).where('set_aside', 'is', null)
        : query.where('registered_at_ms', '>=', filter.registeredSinceMs).where('origin', '=', 'replica');
    const rows = await query.orderBy('max_event_time_ms', 'desc').orderBy('id', 'desc').execute();
    return rows.map((row) => ({
      ...toSegment(row),
      filterDigest: row.filter_digest,
      entityDigest: row.entity_digest,
      ...(row.replica_id === null ? {} : { replicaId: row.replica_id }),
    }));
  }

  async labelSegments(
    endpoint?: string,
    kind: LabelKind = 'label',
  ): Promise<readonly (LabelSegment & IndexedSegment)[]> {
    let query = tables<FeedbackTables>(this.#read)
      .selectFrom('label_segments')
      .selectAll()
      .where('kind', '=', kind)
      .where('replaced_by', 'is', null)
      .where('set_aside', 'is', null);
    if (endpoint !== undefined) query = query.where('endpoint', '=', endpoint);
    const rows = await query.orderBy('id', 'desc').execute();
    return rows.map((row) => ({ ...toSegment(row), filterDigest: row.filter_digest }));
  }

  /** Segments whose index was not made yet, or not wholly, oldest first. */
  async unindexed(
    family: SegmentFamily,
    limit: number,
  ): Promise<readonly Pick<LabelSegment, 'id' | 'digest'>[]> {
    return tables<FeedbackTables>(this.#read)
      .selectFrom(tableOf[family])
      .select(['id', 'digest'])
      .where((where) =>
        where.or([
          where('filter_digest', 'is', null),
          ...(family === 'prediction' ? [where('entity_digest', 'is', null)] : []),
        ]),
      )
      .where('replaced_by', 'is', null)
      .where('set_aside', 'is', null)
      .orderBy('registered_at_ms')
      .limit(limit)
      .execute();
  }

  async setIndex(tx: Tx, family: SegmentFamily, id: string, made: MadeIndex): Promise<void> {
    await tables<FeedbackTables>(tx)
      .updateTable(tableOf[family])
      .set({ filter_digest: made.filterDigest, entity_digest: made.entityDigest })
      .where('id', '=', id)
      .execute();
  }

  /**
   * Segments that readers see, oldest rows first.
   *
   * @param which `new`: only those that are not indexed yet
   */
  async rewritable(
    family: SegmentFamily,
    endpoint?: string,
    which: 'all' | 'new' = 'all',
  ): Promise<readonly RewritableSegment[]> {
    const columns = [
      ...(['id', 'endpoint', 'digest', 'row_count', 'min_event_time_ms', 'max_event_time_ms'] as const),
      ...(['registered_at_ms', 'filter_digest'] as const),
    ];
    const kinds = new Map<string, LabelKind>();
    if (family === 'label') {
      const rows = await tables<FeedbackTables>(this.#read)
        .selectFrom('label_segments')
        .select(['id', 'kind'])
        .where('replaced_by', 'is', null)
        .execute();
      for (const { id, kind } of rows) kinds.set(id, kind);
    }
    let query = tables<FeedbackTables>(this.#read)
      .selectFrom(tableOf[family])
      .select(columns)
      .where('replaced_by', 'is', null)
      .where('set_aside', 'is', null);
    if (endpoint !== undefined) query = query.where('endpoint', '=', endpoint);
    if (which === 'new') query = query.where('filter_digest', 'is', null);
    const rows = await query.orderBy('min_event_time_ms').orderBy('id').execute();
    return rows.map((row) => ({
      ...toSegment(row),
      kind: kinds.get(row.id) ?? 'label',
      registeredAtMs: row.registered_at_ms,
      filterDigest: row.filter_digest,
    }));
  }

  /** Which replicas wrote the prediction segments that are not indexed yet, by the segments' ids. */
  async replicasOfNew(): Promise<ReadonlyMap<string, string>> {
    const rows = await tables<FeedbackTables>(this.#read)
      .selectFrom('prediction_segments')
      .select(['id', 'replica_id'])
      .where('replaced_by', 'is', null)
      .where('filter_digest', 'is', null)
      .execute();
    return new Map(rows.flatMap(({ id, replica_id }) => (replica_id === null ? [] : [[id, replica_id]])));
  }

  /** Those of an endpoint whose rows are all of before a time, also where nobody can read them. */
  async endedBefore(family: SegmentFamily, endpoint: string, beforeMs: number): Promise<readonly string[]> {
    const rows = await tables<FeedbackTables>(this.#read)
      .selectFrom(tableOf[family])
      .select('id')
      .where('endpoint', '=', endpoint)
      .where('replaced_by', 'is', null)
      .where('max_event_time_ms', '<', beforeMs)
      .execute();
    return rows.map(({ id }) => id);
  }

  /** Segments that readers see and whose file this is. */
  async withDigest(
    family: SegmentFamily,
    digest: Digest,
  ): Promise<readonly Pick<LabelSegment, 'id' | 'digest'>[]> {
    return tables<FeedbackTables>(this.#read)
      .selectFrom(tableOf[family])
      .select(['id', 'digest'])
      .where('digest', '=', digest)
      .where('replaced_by', 'is', null)
      .where('set_aside', 'is', null)
      .execute();
  }

  /**
   * Takes a segment out of what readers see, or puts it back: then as if it had just arrived, so that it loses what was
   * erased meanwhile.
   *
   * @param why null: puts it back
   */
  async setAside(tx: Tx, family: SegmentFamily, id: string, why: string | null): Promise<void> {
    await tables<FeedbackTables>(tx)
      .updateTable(tableOf[family])
      .set({ set_aside: why, ...(why === null ? { filter_digest: null, entity_digest: null } : {}) })
      .where('id', '=', id)
      .where('replaced_by', 'is', null)
      .execute();
  }

  /** All segments that are set aside, by endpoint and time. */
  async aside(): Promise<readonly AsideSegment[]> {
    const found: AsideSegment[] = [];
    for (const family of ['prediction', 'label'] as const) {
      const rows = await tables<FeedbackTables>(this.#read)
        .selectFrom(tableOf[family])
        .selectAll()
        .where('set_aside', 'is not', null)
        .where('replaced_by', 'is', null)
        .orderBy('endpoint')
        .orderBy('min_event_time_ms')
        .orderBy('id')
        .execute();
      found.push(...rows.map((row) => ({ ...toSegment(row), family, why: row.set_aside ?? '' })));
    }
    return found;
  }

  /**
   * Puts segments in the place of others, in one step for every reader. What is replaced stays known, so that it is not
   * taken again. Throws `SegmentsChanged` when one of the others has been replaced meanwhile.
   */
  async replace(
    tx: Tx,
    family: SegmentFamily,
    before: readonly string[],
    after: readonly (LabelSegment & { readonly kind: LabelKind })[],
    why: string,
    nowMs: number,
  ): Promise<void> {
    const db = tables<FeedbackTables>(tx);
    const changed = await db
      .updateTable(tableOf[family])
      .set({ replaced_by: why, replaced_at_ms: nowMs })
      .where('id', 'in', [...before])
      .where('replaced_by', 'is', null)
      .returning('id')
      .execute();
    if (changed.length !== before.length) throw new SegmentsChanged();
    for (const segment of after) {
      const row = { ...toRow(segment, nowMs), ...fresh('rewrite') };
      if (family === 'prediction')
        await db
          .insertInto('prediction_segments')
          .values({ ...row, replica_id: null })
          .execute();
      else
        await db
          .insertInto('label_segments')
          .values({ ...row, kind: segment.kind })
          .execute();
    }
  }

  /** Which of these blobs a segment has, or one that was replaced and is read on. */
  async heldDigests(digests: readonly Digest[]): Promise<ReadonlySet<Digest>> {
    const held = new Set<Digest>();
    if (digests.length === 0) return held;
    for (const table of Object.values(tableOf)) {
      const query = tables<FeedbackTables>(this.#read)
        .selectFrom(table)
        .select('digest')
        .where('digest', '<>', goneBlob);
      for (const { digest } of await query.where('digest', 'in', digests).execute()) held.add(digest);
    }
    return held;
  }

  /**
   * Segments replaced before a time of which it is known where their bytes were, and the blobs of theirs that no other
   * segment has: nobody reads them any more.
   */
  async releasable(
    family: SegmentFamily,
    beforeMs: number,
  ): Promise<{ readonly ids: readonly string[]; readonly digests: readonly Digest[] }> {
    const db = tables<FeedbackTables>(this.#read);
    const table = tableOf[family];
    const rows = await db
      .selectFrom(table)
      .select(['id', ...blobColumns])
      .where('replaced_at_ms', '<', beforeMs)
      .where('digest', '<>', goneBlob)
      .limit(5000)
      .execute();
    const ids = rows.map(({ id }) => id);
    const given = rows
      .flatMap((row) => blobColumns.map((column) => row[column]))
      .filter((digest) => digest !== null);
    if (given.length === 0) return { ids, digests: [] };
    const kept = new Set<string | null>();
    for (const column of blobColumns) {
      const others = db
        .selectFrom(table)
        .select(column)
        .where('digest', '<>', goneBlob)
        .where(column, 'in', given)
        .where('id', 'not in', ids);
      for (const row of await others.execute()) kept.add(row[column]);
    }
    return { ids, digests: given.filter((digest) => !kept.has(digest)) };
  }

  /** Forgets where the bytes of replaced segments were. */
  async forgetBlobs(tx: Tx, family: SegmentFamily, ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    await tables<FeedbackTables>(tx)
      .updateTable(tableOf[family])
      .set({ digest: goneBlob, filter_digest: null, entity_digest: null })
      .where('id', 'in', ids)
      .execute();
  }
}

/** Stands in the column `digest` of a replaced segment, which nobody reads, once its blob is forgotten. */
const goneBlob = sql<Digest>`''`;

/** The columns that name blobs. */
const blobColumns = ['digest', 'filter_digest', 'entity_digest'] as const;

/** Thrown inside a transaction to undo it: a segment was replaced by somebody else meanwhile. */
export class SegmentsChanged extends Error {}

function fresh(origin: string): Kept {
  return {
    origin,
    filter_digest: null,
    entity_digest: null,
    replaced_by: null,
    replaced_at_ms: null,
    set_aside: null,
  };
}

function toRow(segment: LabelSegment, nowMs: number): SegmentRow {
  return {
    id: segment.id,
    endpoint: segment.endpoint,
    digest: segment.digest,
    row_count: segment.rows,
    min_event_time_ms: segment.minEventTimeMs,
    max_event_time_ms: segment.maxEventTimeMs,
    registered_at_ms: nowMs,
  };
}

function toSegment(row: Omit<SegmentRow, 'registered_at_ms'>): LabelSegment {
  return {
    id: row.id,
    endpoint: row.endpoint,
    digest: row.digest,
    rows: row.row_count,
    minEventTimeMs: row.min_event_time_ms,
    maxEventTimeMs: row.max_event_time_ms,
  };
}

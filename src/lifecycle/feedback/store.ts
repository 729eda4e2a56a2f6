import { type Database, type Tx, tables } from '../../platform/db/index.ts';
import type { LabelSegment, PredictionSegment } from './contract.ts';

interface SegmentRow {
  readonly id: string;
  readonly endpoint: string;
  readonly digest: string;
  readonly row_count: number;
  readonly min_event_time_ms: number;
  readonly max_event_time_ms: number;
  readonly registered_at_ms: number;
}

interface FeedbackTables {
  prediction_segments: SegmentRow & { readonly replica_id: string | null };
  label_segments: SegmentRow;
}

/** Which prediction segments: those that may hold rows with event time in [fromMs, toMs). */
export interface SegmentFilter {
  readonly endpoint?: string | undefined;
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
  /** Registered at this wall clock time or later. */
  readonly registeredSinceMs?: number | undefined;
}

/** The only reader and writer of `prediction_segments` and `label_segments`. */
export class FeedbackStore {
  readonly #read: Tx;

  constructor(db: Database) {
    this.#read = db.read;
  }

  /** Adds a segment unless its id is there already; says whether it was added. */
  async insertPredictionSegment(tx: Tx, segment: PredictionSegment, nowMs: number): Promise<boolean> {
    const rows = await tables<FeedbackTables>(tx)
      .insertInto('prediction_segments')
      .values({ ...toRow(segment, nowMs), replica_id: segment.replicaId ?? null })
      .onConflict((c) => c.column('id').doNothing())
      .returning('id')
      .execute();
    return rows.length > 0;
  }

  /** Adds a segment unless its id is there already; says whether it was added. */
  async insertLabelSegment(tx: Tx, segment: LabelSegment, nowMs: number): Promise<boolean> {
    const rows = await tables<FeedbackTables>(tx)
      .insertInto('label_segments')
      .values(toRow(segment, nowMs))
      .onConflict((c) => c.column('id').doNothing())
      .returning('id')
      .execute();
    return rows.length > 0;
  }

  /** Segments that may hold such rows, those with the newest rows first. */
  async predictionSegments(filter: SegmentFilter): Promise<readonly PredictionSegment[]> {
    let query = tables<FeedbackTables>(this.#read).selectFrom('prediction_segments').selectAll();
    if (filter.endpoint !== undefined) query = query.where('endpoint', '=', filter.endpoint);
    if (filter.fromMs !== undefined) query = query.where('max_event_time_ms', '>=', filter.fromMs);
    if (filter.toMs !== undefined) query = query.where('min_event_time_ms', '<', filter.toMs);
    if (filter.registeredSinceMs !== undefined) {
      query = query.where('registered_at_ms', '>=', filter.registeredSinceMs);
    }
    const rows = await query.orderBy('max_event_time_ms', 'desc').orderBy('id', 'desc').execute();
    return rows.map((row) => ({
      ...toSegment(row),
      ...(row.replica_id === null ? {} : { replicaId: row.replica_id }),
    }));
  }

  async labelSegments(endpoint?: string): Promise<readonly LabelSegment[]> {
    let query = tables<FeedbackTables>(this.#read).selectFrom('label_segments').selectAll();
    if (endpoint !== undefined) query = query.where('endpoint', '=', endpoint);
    return (await query.orderBy('id', 'desc').execute()).map(toSegment);
  }
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

function toSegment(row: SegmentRow): LabelSegment {
  return {
    id: row.id,
    endpoint: row.endpoint,
    digest: row.digest,
    rows: row.row_count,
    minEventTimeMs: row.min_event_time_ms,
    maxEventTimeMs: row.max_event_time_ms,
  };
}

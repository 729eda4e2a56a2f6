import { sql } from 'kysely';
import { type Database, type Tx, tables } from '../../../platform/db/index.ts';

/** Rows of a replica whose entities were hashed with one key. */
interface HashedRows {
  readonly endpoint: string;
  readonly replicaId: string;
  readonly keyPrint: string;
  /** As many as came; those that were removed since are among them. */
  readonly rows: number;
  readonly minEventTimeMs: number;
  readonly maxEventTimeMs: number;
}

interface HashKeyTables {
  prediction_hash_keys: {
    readonly endpoint: string;
    readonly replica_id: string;
    readonly key_print: string;
    readonly row_count: number;
    readonly min_event_time_ms: number;
    readonly max_event_time_ms: number;
  };
}

/** The only reader and writer of `prediction_hash_keys`. */
export class HashKeyStore {
  readonly #read: Tx;

  constructor(db: Database) {
    this.#read = db.read;
  }

  async add(tx: Tx, hashed: HashedRows): Promise<void> {
    const { endpoint, replicaId, keyPrint, rows, minEventTimeMs, maxEventTimeMs } = hashed;
    await tables<HashKeyTables>(tx)
      .insertInto('prediction_hash_keys')
      .values({
        endpoint,
        replica_id: replicaId,
        key_print: keyPrint,
        row_count: rows,
        min_event_time_ms: minEventTimeMs,
        max_event_time_ms: maxEventTimeMs,
      })
      .onConflict((c) =>
        c.columns(['endpoint', 'replica_id', 'key_print']).doUpdateSet({
          row_count: sql<number>`prediction_hash_keys.row_count + excluded.row_count`,
          min_event_time_ms: sql<number>`CASE WHEN excluded.min_event_time_ms < prediction_hash_keys.min_event_time_ms
            THEN excluded.min_event_time_ms ELSE prediction_hash_keys.min_event_time_ms END`,
          max_event_time_ms: sql<number>`CASE WHEN excluded.max_event_time_ms > prediction_hash_keys.max_event_time_ms
            THEN excluded.max_event_time_ms ELSE prediction_hash_keys.max_event_time_ms END`,
        }),
      )
      .execute();
  }

  /** @param endpoint null: of all */
  async of(endpoint: string | null): Promise<readonly HashedRows[]> {
    let query = tables<HashKeyTables>(this.#read).selectFrom('prediction_hash_keys').selectAll();
    if (endpoint !== null) query = query.where('endpoint', '=', endpoint);
    const rows = await query.orderBy('endpoint').orderBy('replica_id').orderBy('min_event_time_ms').execute();
    return rows.map((row) => ({
      endpoint: row.endpoint,
      replicaId: row.replica_id,
      keyPrint: row.key_print,
      rows: row.row_count,
      minEventTimeMs: row.min_event_time_ms,
      maxEventTimeMs: row.max_event_time_ms,
    }));
  }

  async removeBefore(tx: Tx, endpoint: string, beforeMs: number): Promise<void> {
    await tables<HashKeyTables>(tx)
      .deleteFrom('prediction_hash_keys')
      .where('endpoint', '=', endpoint)
      .where('max_event_time_ms', '<', beforeMs)
      .execute();
  }
}

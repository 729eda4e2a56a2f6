import { type Database, type Tx, tables } from '../../../platform/db/index.ts';

/** An entity that must not be in the log, known by a salted hash only. */
export interface Erasure {
  readonly id: string;
  readonly salt: string;
  readonly entityHash: string;
  readonly endpoint: string | null;
  readonly receivedBeforeMs: number;
  readonly rowsErased: number;
}

interface ErasureTables {
  prediction_erasures: {
    readonly id: string;
    readonly salt: string;
    readonly entity_hash: string;
    readonly endpoint: string | null;
    readonly received_before_ms: number;
    readonly rows_erased: number;
  };
}

/** The only reader and writer of `prediction_erasures`. */
export class ErasureStore {
  readonly #read: Tx;

  constructor(db: Database) {
    this.#read = db.read;
  }

  async put(tx: Tx, erasure: Erasure): Promise<void> {
    const row = {
      id: erasure.id,
      salt: erasure.salt,
      entity_hash: erasure.entityHash,
      endpoint: erasure.endpoint,
      received_before_ms: erasure.receivedBeforeMs,
      rows_erased: erasure.rowsErased,
    };
    await tables<ErasureTables>(tx)
      .insertInto('prediction_erasures')
      .values(row)
      .onConflict((c) => c.column('id').doUpdateSet(row))
      .execute();
  }

  async all(): Promise<readonly Erasure[]> {
    const rows = await tables<ErasureTables>(this.#read)
      .selectFrom('prediction_erasures')
      .selectAll()
      .execute();
    return rows.map((row) => ({
      id: row.id,
      salt: row.salt,
      entityHash: row.entity_hash,
      endpoint: row.endpoint,
      receivedBeforeMs: row.received_before_ms,
      rowsErased: row.rows_erased,
    }));
  }
}

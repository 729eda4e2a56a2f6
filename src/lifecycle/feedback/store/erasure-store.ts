import { type Database, type Tx, tables } from '../../../platform/db/index.ts';

/** An entity that must not be in the log, known by a salted hash only. */
export interface Erasure {
  readonly id: string;
  readonly salt: string;
  readonly entityHash: string;
  readonly endpoint: string | null;
  readonly receivedBeforeMs: number;
  readonly rowsErased: number;
  /** False from its begin to its end, also where control stopped between. */
  readonly isDone: boolean;
}

interface ErasureTables {
  prediction_erasures: {
    readonly id: string;
    readonly salt: string;
    readonly entity_hash: string;
    readonly endpoint: string | null;
    readonly received_before_ms: number;
    readonly rows_erased: number;
    readonly is_done: number;
  };
  erased_predictions: { readonly erasure_id: string; readonly endpoint: string; readonly id_hash: string };
}

/** Erased predictions of which labels may be in files that nobody could read; ids are salted as their erasure is. */
interface ErasedPredictions {
  readonly erasureId: string;
  readonly endpoint: string;
  readonly idHashes: readonly string[];
}

const rowsAtOnce = 300;

/** The only reader and writer of `prediction_erasures` and `erased_predictions`. */
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
      is_done: erasure.isDone ? 1 : 0,
    };
    await tables<ErasureTables>(tx)
      .insertInto('prediction_erasures')
      .values(row)
      .onConflict((c) => c.column('id').doUpdateSet(row))
      .execute();
  }

  async remember(tx: Tx, { erasureId, endpoint, idHashes }: ErasedPredictions): Promise<void> {
    for (let i = 0; i < idHashes.length; i += rowsAtOnce)
      await tables<ErasureTables>(tx)
        .insertInto('erased_predictions')
        .values(
          idHashes.slice(i, i + rowsAtOnce).map((idHash) => {
            return { erasure_id: erasureId, endpoint, id_hash: idHash };
          }),
        )
        .onConflict((c) => c.doNothing())
        .execute();
  }

  async remembered(): Promise<readonly ErasedPredictions[]> {
    const rows = await tables<ErasureTables>(this.#read)
      .selectFrom('erased_predictions')
      .selectAll()
      .execute();
    const groups = Map.groupBy(rows, (row) => `${row.erasure_id}/${row.endpoint}`);
    return [...groups.values()].flatMap((group) => {
      const [first] = group;
      if (!first) return [];
      const { erasure_id: erasureId, endpoint } = first;
      return [{ erasureId, endpoint, idHashes: group.map((row) => row.id_hash) }];
    });
  }

  async forget(tx: Tx, { erasureId, endpoint }: ErasedPredictions): Promise<void> {
    await tables<ErasureTables>(tx)
      .deleteFrom('erased_predictions')
      .where('erasure_id', '=', erasureId)
      .where('endpoint', '=', endpoint)
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
      isDone: row.is_done === 1,
    }));
  }
}

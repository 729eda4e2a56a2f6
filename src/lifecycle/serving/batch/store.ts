import type { Digest } from '../../../core/json.ts';
import { type Database, type Tx, tables } from '../../../platform/db/index.ts';
import { type BatchPart, batchPartSchema, type StagedInput, stagedInputSchema } from './contract.ts';

interface BatchTables {
  batch_parts: {
    batch_id: string;
    part: number;
    digest: Digest;
    row_count: number;
    failed_rows: number;
    total_rows: number;
    log_json: string | null;
    created_at_ms: number;
  };
  batch_staged: { batch_id: string; digest: Digest; decimal_mark: string };
}

/** How far a batch is. */
export interface BatchProgress {
  readonly rows: number;
  readonly failedRows: number;
  readonly totalRows: number | null;
}

/** The only reader and writer of `batch_parts` and `batch_staged`. */
export class BatchStore {
  readonly #read: Tx;

  constructor(db: Database) {
    this.#read = db.read;
  }

  /** Keeps a part; false when it is kept already. */
  async insert(tx: Tx, batchId: string, part: BatchPart, nowMs: number): Promise<boolean> {
    const result = await tables<BatchTables>(tx)
      .insertInto('batch_parts')
      .values({
        batch_id: batchId,
        part: part.part,
        digest: part.digest,
        row_count: part.rows,
        failed_rows: part.failedRows,
        total_rows: part.totalRows,
        log_json: part.log && JSON.stringify(part.log),
        created_at_ms: nowMs,
      })
      .onConflict((c) => c.columns(['batch_id', 'part']).doNothing())
      .returning('part')
      .executeTakeFirst();
    return result !== undefined;
  }

  /** Gives a batch the finished parts of another one that has the same input. */
  async copyParts(tx: Tx, fromBatchId: string, toBatchId: string): Promise<void> {
    const db = tables<BatchTables>(tx);
    const parts = await db
      .selectFrom('batch_parts')
      .selectAll()
      .where('batch_id', '=', fromBatchId)
      .execute();
    for (const part of parts)
      await db
        .insertInto('batch_parts')
        .values({ ...part, batch_id: toBatchId })
        .onConflict((c) => c.columns(['batch_id', 'part']).doNothing())
        .execute();
    const staged = await this.staged(fromBatchId);
    if (staged) await this.keepStaged(tx, toBatchId, staged);
  }

  /** Keeps the CSV file of a batch as it is read; the same again changes nothing. */
  async keepStaged(tx: Tx, batchId: string, { digest, decimal }: StagedInput): Promise<void> {
    await tables<BatchTables>(tx)
      .insertInto('batch_staged')
      .values({ batch_id: batchId, digest, decimal_mark: decimal })
      .onConflict((c) => c.column('batch_id').doNothing())
      .execute();
  }

  async staged(batchId: string): Promise<StagedInput | null> {
    const row = await tables<BatchTables>(this.#read)
      .selectFrom('batch_staged')
      .selectAll()
      .where('batch_id', '=', batchId)
      .executeTakeFirst();
    return row ? stagedInputSchema.parse({ digest: row.digest, decimal: row.decimal_mark }) : null;
  }

  async removeStaged(tx: Tx, batchId: string): Promise<void> {
    await tables<BatchTables>(tx).deleteFrom('batch_staged').where('batch_id', '=', batchId).execute();
  }

  /** Whether a batch has this file as its input. */
  async isStaged(digest: Digest): Promise<boolean> {
    const row = await tables<BatchTables>(this.#read)
      .selectFrom('batch_staged')
      .select('batch_id')
      .where('digest', '=', digest)
      .limit(1)
      .executeTakeFirst();
    return row !== undefined;
  }

  async remove(tx: Tx, batchId: string): Promise<void> {
    await tables<BatchTables>(tx).deleteFrom('batch_parts').where('batch_id', '=', batchId).execute();
    await this.removeStaged(tx, batchId);
  }

  /** The parts of a batch in their order. */
  async parts(batchId: string): Promise<readonly BatchPart[]> {
    const rows = await tables<BatchTables>(this.#read)
      .selectFrom('batch_parts')
      .selectAll()
      .where('batch_id', '=', batchId)
      .orderBy('part')
      .execute();
    return rows.map((row) =>
      batchPartSchema.parse({
        part: row.part,
        digest: row.digest,
        rows: row.row_count,
        failedRows: row.failed_rows,
        totalRows: row.total_rows,
        log: row.log_json === null ? null : JSON.parse(row.log_json),
      }),
    );
  }

  /** How far each of some batches is; those without a part are left out. */
  async progress(batchIds: readonly string[]): Promise<ReadonlyMap<string, BatchProgress>> {
    if (batchIds.length === 0) return new Map();
    const rows = await tables<BatchTables>(this.#read)
      .selectFrom('batch_parts')
      .select((e) => [
        'batch_id',
        e.fn.sum('row_count').as('rows'),
        e.fn.sum('failed_rows').as('failed'),
        e.fn.max('total_rows').as('total'),
      ])
      .where('batch_id', 'in', [...batchIds])
      .groupBy('batch_id')
      .execute();
    return new Map(
      rows.map((row) => [
        row.batch_id,
        { rows: Number(row.rows), failedRows: Number(row.failed), totalRows: Number(row.total) },
      ]),
    );
  }
}

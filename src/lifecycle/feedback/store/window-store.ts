import type { Digest } from '../../../core/json.ts';
import { type Database, type Tx, tables } from '../../../platform/db/index.ts';

/** The window of the log that a step reads. */
export interface StepWindow {
  readonly digest: Digest;
  readonly rows: number;
}

interface WindowTables {
  log_windows: {
    readonly step_id: string;
    readonly digest: Digest;
    readonly row_count: number;
  };
}

/** The only reader and writer of `log_windows`. */
export class WindowStore {
  readonly #read: Tx;

  constructor(db: Database) {
    this.#read = db.read;
  }

  async put(tx: Tx, stepId: string, { digest, rows }: StepWindow): Promise<void> {
    const row = { step_id: stepId, digest, row_count: rows };
    await tables<WindowTables>(tx)
      .insertInto('log_windows')
      .values(row)
      .onConflict((c) => c.column('step_id').doNothing())
      .execute();
  }

  /** The windows of those of these steps that have one. */
  async of(stepIds: readonly string[]): Promise<ReadonlyMap<string, StepWindow>> {
    if (stepIds.length === 0) return new Map();
    const rows = await tables<WindowTables>(this.#read)
      .selectFrom('log_windows')
      .selectAll()
      .where('step_id', 'in', [...stepIds])
      .execute();
    return new Map(rows.map((row) => [row.step_id, { digest: row.digest, rows: row.row_count }]));
  }

  async remove(tx: Tx, stepId: string): Promise<void> {
    await tables<WindowTables>(tx).deleteFrom('log_windows').where('step_id', '=', stepId).execute();
  }

  async digests(): Promise<readonly Digest[]> {
    const rows = await tables<WindowTables>(this.#read).selectFrom('log_windows').select('digest').execute();
    return rows.map(({ digest }) => digest);
  }
}

import type { DatabaseSync, SQLInputValue, SQLOutputValue } from 'node:sqlite';
import { errorMessage } from '../../../core/error-message.ts';
import { fail } from '../../../core/errors.ts';
import { arraysOf } from '../../../platform/db/index.ts';
import type { TransferTag } from '../contract.ts';

/** A row by its columns. Numbers beyond 2^53 are an error of the query, blobs stand in no column that is read here. */
export type Row = Readonly<Record<string, SQLOutputValue>>;

/** The tables of a MLflow file, as rows. */
export class MlflowFile {
  readonly #db: DatabaseSync;
  readonly path: string;

  constructor(db: DatabaseSync, path: string) {
    this.#db = db;
    this.path = path;
  }

  /** All rows of a query. Throws `import_source_unreadable`, for instance for a number beyond 2^53. */
  rows(sql: string, ...parameters: readonly SQLInputValue[]): readonly Row[] {
    try {
      return this.#db.prepare(sql).all(...parameters);
    } catch (error) {
      throw this.unreadable(error);
    }
  }

  /** Rows one after the other, as arrays. */
  *arrays(sql: string, ...parameters: readonly SQLInputValue[]): Generator<readonly unknown[]> {
    try {
      yield* arraysOf(this.#db.prepare(sql), ...parameters);
    } catch (error) {
      throw this.unreadable(error);
    }
  }

  hasTable(name: string): boolean {
    return this.rows("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", name).length > 0;
  }

  hasColumn(table: string, name: string): boolean {
    return this.rows('SELECT 1 FROM pragma_table_info(?) WHERE name = ?', table, name).length > 0;
  }

  unreadable(error: unknown): Error {
    const problem = errorMessage(error);
    return fail('import_source_unreadable', { source: this.path, problem }, error);
  }

  close(): void {
    this.#db.close();
  }
}

export const text = (value: SQLOutputValue | undefined): string =>
  value === null || value === undefined ? '' : String(value);
export const nullable = (value: SQLOutputValue | undefined): string | null =>
  value === null || value === undefined ? null : String(value);
export const number = (value: SQLOutputValue | undefined): number => Number(value ?? 0);

/** Rows with a key and a value as tags. */
export function tagsOf(rows: readonly Row[] | undefined): TransferTag[] {
  return (rows ?? []).map((row) => ({ key: text(row.key), value: text(row.value) }));
}

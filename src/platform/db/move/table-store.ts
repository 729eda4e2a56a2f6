/** A value of a row: numbers for integers and reals, text, bytes or null. */
export type CellValue = number | string | Uint8Array | null;
/** A row in the order of the table's columns. */
export type TableRow = readonly CellValue[];

export type ColumnKind = 'integer' | 'real' | 'text' | 'bytes';

/** A table as both databases have it. */
export interface TableShape {
  readonly name: string;
  readonly columns: readonly { readonly name: string; readonly kind: ColumnKind }[];
  /** Columns of the primary key, by which rows are put in order. */
  readonly key: readonly string[];
}

/** One side of a move: whole tables of a database, which nobody else writes to meanwhile. */
export interface TableStore {
  /** Every table but the list of migrations, by name. */
  tables(): Promise<readonly TableShape[]>;
  /** All rows of a table in parts, ascending by its key; text byte by byte. Columns as in `shape`. */
  rows(shape: TableShape): AsyncIterable<readonly TableRow[]>;
  insert(shape: TableShape, rows: readonly TableRow[]): Promise<void>;
  clear(shape: TableShape): Promise<void>;
  /** The last number that each counting column gave, by table; tables without one are missing. */
  counters(): Promise<ReadonlyMap<string, number>>;
  setCounter(table: string, last: number): Promise<void>;
  /** Keeps what was written; without it, nothing is. */
  commit(): Promise<void>;
  close(): Promise<void>;
}

import type { PageBytes } from './page-bytes.ts';

/** DuckDB's name of a column's type. */
export type ColumnType = 'VARCHAR' | 'DOUBLE' | 'BIGINT' | 'UBIGINT' | 'INTEGER' | 'BOOLEAN';

/**
 * Values of a column in a row group, those that are null left out: numbers (whole ones beyond 2^53 are in `exact` by their
 * places), texts in UTF-8 (each from `spans[2 * i]` to `spans[2 * i + 1]` in `bytes`), or booleans (1 and 0).
 */
export type ColumnData =
  | {
      readonly type: 'DOUBLE' | 'BIGINT' | 'UBIGINT' | 'INTEGER';
      readonly values: Float64Array;
      readonly exact?: ReadonlyMap<number, bigint> | undefined;
    }
  | { readonly type: 'VARCHAR'; readonly bytes: Buffer; readonly spans: Uint32Array }
  | { readonly type: 'BOOLEAN'; readonly values: Uint8Array };

/** How a column's values become pages. */
export interface Encoder {
  /** Values that others are places in, in plain encoding; null where values are in plain encoding themselves. */
  readonly dictionary: { readonly bytes: Uint8Array; readonly count: number } | null;
  /** What a value takes in a page, about, and all together. */
  readonly bytesOfValue: number;
  readonly bytesOfAll: number;
  /** Puts the values [from, to) into a page. */
  put(page: PageBytes, from: number, to: number): void;
  /** The least and the greatest value of all that were put, as statistics keep them; null where there are none. */
  bounds(): { readonly min: Uint8Array; readonly max: Uint8Array } | null;
}

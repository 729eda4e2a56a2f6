import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { schemaElement, writeChunk } from './column-chunk.ts';
import type { ColumnData, ColumnType } from './column-data.ts';
import { compactBytes, i32, i64, list, struct, type ThriftValue, text } from './thrift.ts';

const magic = Buffer.from('PAR1');

export interface ParquetColumn {
  readonly name: string;
  readonly type: ColumnType;
}

/**
 * A Parquet file that is written row group by row group, and a row group column by column: flat columns, all nullable,
 * with the statistics that readers pass over row groups by. Source: https://parquet.apache.org/docs/file-format/
 */
export class ParquetFile {
  readonly #columns: readonly ParquetColumn[];
  readonly #file: number;
  #offset = 0;
  #rows = 0;
  readonly #groups: ThriftValue[] = [];
  /** The row group that is being written. */
  #chunks: ThriftValue[] = [];
  #start = 0;
  #plainBytes = 0;

  /** Makes the file, or empties it. */
  constructor(path: string, columns: readonly ParquetColumn[]) {
    this.#columns = columns;
    this.#file = openSync(path, 'w');
    this.#write(magic);
    this.#start = this.#offset;
  }

  /**
   * Writes the next column of the row group, a little at each step: who must not hold the processor for long rests
   * between them.
   *
   * @param defined for each row, 1, or 0 where it is null and has no value in `data`
   */
  *column(data: ColumnData, defined: Uint8Array): Generator<void, void> {
    const { name } = this.#columns[this.#chunks.length] as ParquetColumn;
    const at = this.#offset;
    const { meta, plainBytes } = yield* writeChunk({ name, data, defined }, (bytes) => this.#write(bytes));
    this.#chunks.push(struct({ 2: i64(at), 3: meta }));
    this.#plainBytes += plainBytes;
  }

  /** Ends the row group, of which every column was written. */
  endRowGroup(rows: number): void {
    const sizeBytes = this.#offset - this.#start;
    this.#groups.push(
      struct({
        1: list(this.#chunks),
        2: i64(this.#plainBytes),
        3: i64(rows),
        5: i64(this.#start),
        6: i64(sizeBytes),
      }),
    );
    this.#rows += rows;
    this.#chunks = [];
    this.#start = this.#offset;
    this.#plainBytes = 0;
  }

  /** Writes the footer; the file is on the disk when this returns. */
  end(): void {
    const root = struct({ 4: text('schema'), 5: i32(this.#columns.length) });
    // Order of bounds: the one that the type has.
    const orders = this.#columns.map(() => struct({ 1: struct({}) }));
    const version = 1;
    const footer = compactBytes({
      1: i32(version),
      2: list([root, ...this.#columns.map(({ name, type }) => schemaElement(name, type))]),
      3: i64(this.#rows),
      4: list(this.#groups),
      6: text('Millrace'),
      7: list(orders),
    });
    const size = Buffer.alloc(4);
    size.writeUInt32LE(footer.length);
    this.#write(Buffer.concat([footer, size, magic]));
    fsyncSync(this.#file);
  }

  close(): void {
    closeSync(this.#file);
  }

  /** Gives where they are. */
  #write(bytes: Uint8Array): number {
    const at = this.#offset;
    let written = 0;
    while (written < bytes.length) written += writeSync(this.#file, bytes, written);
    this.#offset += bytes.length;
    return at;
  }
}

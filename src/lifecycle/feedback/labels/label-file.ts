import { z } from 'zod';
import { readCsv } from '../../../core/csv.ts';
import {
  type CsvDialect,
  type CsvOptions,
  csvDialect,
  csvMarks,
  csvText,
} from '../../../core/csv-dialect.ts';
import { fail } from '../../../core/errors.ts';
import { type Frames, framesReason, sqlLiteral, typedRows } from '../../../platform/frames/index.ts';
import { type LabelColumns, labelColumns } from './read-label-row.ts';

/** A row of a file. */
export interface FileRow {
  /** Its number, from 0; -1 for the names of the columns. */
  readonly at: number;
  /** Its line or number, as people count. */
  readonly row: number;
  readonly cells: readonly unknown[];
  /** What is wrong with it as a row. */
  readonly problem?: string;
}

const pageRows = 5000;
const invalid = (problem: string, cause?: unknown) => fail('label_upload_invalid', { problem }, cause);

/** A file of labels, read once from its beginning to its end. */
export class LabelFile {
  readonly columns: LabelColumns;
  readonly #rows: AsyncIterator<FileRow, void>;

  private constructor(rows: AsyncIterator<FileRow, void>, columns: LabelColumns) {
    this.#rows = rows;
    this.columns = columns;
  }

  /** @param rows those with the names first. Throws `label_upload_invalid` when they are no columns of labels. */
  static async open(rows: AsyncGenerator<FileRow, void>): Promise<LabelFile> {
    const names = (await rows.next()).value;
    if (!names) throw invalid('it is empty');
    const columns = labelColumns(names.cells.map(String));
    if (typeof columns === 'string') throw invalid(columns);
    return new LabelFile(rows, columns);
  }

  /** The rows of ranges that ascend and are behind all that were asked for before; fewer at the end of the file. */
  async rowsIn(ranges: readonly (readonly [first: number, last: number])[]): Promise<readonly FileRow[]> {
    const found: FileRow[] = [];
    for (const [first, last] of ranges) {
      for (let at = -1; at < last; ) {
        const { value: row } = await this.#rows.next();
        if (!row) return found;
        at = row.at;
        if (at >= first) found.push(row);
      }
    }
    return found;
  }

  async close(): Promise<void> {
    await this.#rows.return?.();
  }
}

/** How a CSV file of labels is to be read. Throws `label_upload_invalid` where that cannot be told. */
export async function dialectOf(
  bytes: () => AsyncIterable<Uint8Array>,
  options: CsvOptions,
): Promise<CsvDialect> {
  const dialect = await csvDialect(bytes(), options);
  if (typeof dialect === 'string') throw invalid(dialect);
  return dialect;
}

/** Names first, then all rows. */
export async function* csvRows(
  bytes: () => AsyncIterable<Uint8Array>,
  dialect: CsvDialect,
): AsyncGenerator<FileRow, void> {
  let at = -1;
  try {
    for await (const { line, cells, unclosed } of readCsv(
      csvText(bytes(), dialect.encoding),
      csvMarks(dialect),
    )) {
      const problem = 'a quote is opened and never closed: the rest of the file is in it';
      yield { at: at++, row: line, cells, ...(unclosed ? { problem } : {}) };
    }
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw invalid(`it is not ${dialect.encoding}: save it as UTF-8, or say what it is (encoding=…)`, error);
  }
}

const schemaName = z.object({ name: z.string() });

/**
 * The names of a Parquet file's columns as they were written. The frame engine calls the second of two columns `value`
 * by another name, and nobody would learn that there are two.
 *
 * @param read what the frame engine calls them
 */
async function writtenNames(
  frames: Frames,
  path: string,
  read: readonly string[],
): Promise<readonly string[]> {
  const elements = await typedRows(
    frames,
    schemaName,
    `SELECT name FROM parquet_schema(${sqlLiteral(path)})`,
  );
  // The first one is the root. With nested columns there are more elements than columns.
  const written = elements.slice(1).map(({ name }) => name);
  return written.length === read.length ? written : read;
}

/** Names first, then the rows from a number on. */
export async function* parquetRows(
  frames: Frames,
  path: string,
  from: number,
): AsyncGenerator<FileRow, void> {
  for (let at = from, first = true; ; at += pageRows, first = false) {
    const read = await frames
      .columns(
        `SELECT * EXCLUDE (file_row_number) FROM read_parquet(${sqlLiteral(path)}, file_row_number = true, binary_as_string = true)
         WHERE file_row_number >= ${at} AND file_row_number < ${at + pageRows} ORDER BY file_row_number`,
      )
      .catch((error: unknown) => {
        throw invalid(`it cannot be read as Parquet: ${framesReason(error)}`, error);
      });
    if (first) yield { at: -1, row: 0, cells: await writtenNames(frames, path, read.names) };
    const count = read.columns[0]?.length ?? 0;
    for (let i = 0; i < count; i++)
      yield { at: at + i, row: at + i + 1, cells: read.columns.map((column) => column[i]) };
    if (count < pageRows) return;
  }
}

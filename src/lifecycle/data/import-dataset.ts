import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { CsvOptions } from '../../core/csv-dialect.ts';
import { fail, MillraceError } from '../../core/errors.ts';
import { uuidv7 } from '../../core/ids.ts';
import type { Digest } from '../../core/json.ts';
import { nearestName } from '../../core/nearest-name.ts';
import type { BlobInfo, DirectoryBlobStore } from '../../platform/blobs/index.ts';
import { type Frames, sqlLiteral, sqlName } from '../../platform/frames/index.ts';
import { canBeTime, columnTypeOf, type StoredColumn, timeMsSql } from './columns.ts';
import type { DatasetFormat, RegisterDatasetRequest } from './contract.ts';
import { csvSource } from './csv-source.ts';

const countRow = z.object({ n: z.number() });
const describedColumn = z.object({ column_name: z.string(), column_type: z.string() });

/** The columns that have a role, as registered. */
export type DatasetRoles = Pick<RegisterDatasetRequest, 'dataset' | 'time' | 'entity' | 'label'>;

/** What is registered, and how a CSV file of it is to be read. */
type DatasetImport = DatasetRoles & Pick<RegisterDatasetRequest, 'csv'>;

/** A file to read, with a name for messages. */
export interface SourceFile {
  readonly path: string;
  readonly name: string;
  readonly format: DatasetFormat;
}

/** What a file holds once it is in the blob store. */
interface ImportedDataset {
  readonly blob: BlobInfo;
  readonly path: string;
  readonly rows: number;
  readonly columns: readonly StoredColumn[];
}

/** SHA-256 of a file's bytes. Throws `dataset_unreadable`, naming the file. */
export async function digestFile(path: string, name: string): Promise<Digest> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  } catch (error) {
    throw unreadable(name, 'a file', error);
  }
  return `sha256:${hash.digest('hex')}`;
}

/** The format by the file's own bytes: Parquet starts with PAR1, everything else is read as CSV. */
export async function formatOf(path: string, name: string): Promise<DatasetFormat> {
  try {
    const file = await open(path, 'r');
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
      return bytesRead === 4 && buffer.toString('latin1') === 'PAR1' ? 'parquet' : 'csv';
    } finally {
      await file.close();
    }
  } catch (error) {
    throw unreadable(name, 'a file', error);
  }
}

/**
 * Reads a file into the canonical form: one Parquet blob (zstd), rows ascending by the time column if there is
 * one (rows without a time last, equal times in file order), else in file order.
 *
 * Throws `dataset_unreadable`, `dataset_empty`, `column_unknown` (a role names a column that is not there) and
 * `column_type` (the time column holds no times).
 */
export async function importDataset(
  frames: Frames,
  blobs: DirectoryBlobStore,
  temporaryDirectory: string,
  file: SourceFile,
  roles: DatasetImport,
): Promise<ImportedDataset> {
  const temporary = join(temporaryDirectory, `dataset-${uuidv7()}.parquet`);
  const text = `${temporary}.csv`;
  try {
    const source = await sourceSql(frames, file, roles.csv ?? {}, text);
    const columns = await describe(frames, source, file);
    checkRoles(file, columns, roles);
    await copy(frames, source, columns, roles.time, temporary, file);
    const [counted] = await frames.query(`SELECT count(*) AS n FROM read_parquet(${sqlLiteral(temporary)})`);
    const { n: rows } = countRow.parse(counted);
    if (rows === 0) throw fail('dataset_empty', { source: file.name });
    const blob = await blobs.put(createReadStream(temporary));
    const path = await blobs.path(blob.digest);
    return { blob, path, rows, columns };
  } finally {
    await rm(temporary, { force: true });
    await rm(text, { force: true });
  }
}

async function sourceSql(
  frames: Frames,
  file: SourceFile,
  options: CsvOptions,
  temporary: string,
): Promise<string> {
  if (file.format === 'parquet') return `read_parquet(${sqlLiteral(file.path)})`;
  try {
    return await csvSource(frames, file, options, temporary);
  } catch (error) {
    throw unreadable(file.name, file.format, error);
  }
}

async function describe(frames: Frames, source: string, file: SourceFile): Promise<readonly StoredColumn[]> {
  try {
    const rows = await frames.query(`DESCRIBE SELECT * FROM ${source}`);
    return describedColumn
      .array()
      .parse(rows)
      .map(({ column_name: name, column_type: storedType }) => {
        return { name, type: columnTypeOf(storedType), storedType };
      });
  } catch (error) {
    throw unreadable(file.name, file.format, error);
  }
}

async function copy(
  frames: Frames,
  source: string,
  columns: readonly StoredColumn[],
  time: string | undefined,
  target: string,
  file: SourceFile,
): Promise<void> {
  const timeColumn = columns.find((column) => column.name === time);
  const select = timeColumn
    ? `SELECT * EXCLUDE ("file row") FROM (SELECT *, row_number() OVER () AS "file row" FROM ${source})
       ORDER BY ${timeMsSql(sqlName(timeColumn.name), timeColumn.storedType)} NULLS LAST, "file row"`
    : `SELECT * FROM ${source}`;
  try {
    await frames.query(`COPY (${select}) TO ${sqlLiteral(target)} (FORMAT parquet, COMPRESSION zstd)`);
  } catch (error) {
    throw unreadable(file.name, file.format, error);
  }
}

function checkRoles(file: SourceFile, columns: readonly StoredColumn[], roles: DatasetRoles): void {
  const names = columns.map((column) => column.name);
  for (const role of ['time', 'entity', 'label'] as const) {
    const name = roles[role];
    if (name === undefined || names.includes(name)) continue;
    const nearest = nearestName(name, names);
    const hint = nearest ? `did you mean "${nearest}"?` : `its columns are ${names.join(', ')}.`;
    throw fail('column_unknown', {
      field: role,
      column: name,
      dataset: roles.dataset,
      source: file.name,
      hint,
    });
  }
  const time = columns.find((column) => column.name === roles.time);
  if (time && !canBeTime(time.type)) {
    throw fail('column_type', {
      field: 'time',
      column: time.name,
      dataset: roles.dataset,
      type: time.storedType,
      expected: 'a timestamp, a date or an integer of epoch milliseconds',
    });
  }
}

function unreadable(source: string, format: string, error: unknown): MillraceError {
  const problem =
    error instanceof MillraceError
      ? String(error.params.problem ?? error.message)
      : error instanceof Error
        ? (error as NodeJS.ErrnoException).code === 'ENOENT'
          ? 'it does not exist'
          : error.message
        : String(error);
  return fail('dataset_unreadable', { source, format, problem: problem.split('\n')[0] }, error);
}

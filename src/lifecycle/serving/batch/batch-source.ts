import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { type CsvRecord, csvRecords } from '../../../core/csv.ts';
import { type CsvDialect, csvDialect, csvMarks, csvText } from '../../../core/csv-dialect.ts';
import { fail, MillraceError } from '../../../core/errors.ts';
import type { DirectFrames } from '../../../platform/frames/direct-frames.ts';
import { framesReason, sqlLiteral, sqlName } from '../../../platform/frames/index.ts';
import type { BatchInputs } from './contract.ts';
import type { StagedFile } from './protocol.ts';

/** Column of a staged CSV file that tells what is wrong with a record; null for a good one. No column of a file is called so. */
export const problemColumn = '__millrace_problem';

/** Column that DuckDB gives the rows of a Parquet file on demand: what they are counted by. */
const rowNumberColumn = 'file_row_number';

const appendRows = 2048;

/** The input as one Parquet file, in the order in which its rows are answered. */
export interface BatchSource {
  readonly path: string;
  readonly rows: number;
  /** Columns with their DuckDB types, without the problem column. */
  readonly columns: ReadonlyMap<string, string>;
  /** How numbers are written where every cell is text (CSV) and has to be read as the model's type; null: cells have types. */
  readonly decimal: CsvDialect['decimal'] | null;
}

/**
 * Makes the input of a batch readable in one fixed order: a Parquet file as it is, a CSV file record by record. Throws `batch_input_unreadable`.
 */
export async function openSource(
  frames: DirectFrames,
  source: BatchInputs['source'],
  paths: readonly string[],
  workDir: string,
): Promise<BatchSource> {
  const [path] = paths;
  if (path === undefined)
    throw fail('batch_input_unreadable', { name: source.name, problem: 'it has no rows' });
  try {
    if (await isParquet(path)) {
      requireNames(source.name, await parquetNames(frames, path));
      return await described(frames, path, null);
    }
    if (source.name.toLowerCase().endsWith('.parquet'))
      throw fail('batch_input_unreadable', { name: source.name, problem: 'it is not in the Parquet format' });
    const dialect = await csvDialect(createReadStream(path), source.csv);
    if (typeof dialect === 'string')
      throw fail('batch_input_unreadable', { name: source.name, problem: dialect });
    return await described(
      frames,
      await stageCsv(frames, source.name, path, workDir, dialect),
      dialect.decimal,
    );
  } catch (error) {
    if (!(error instanceof MillraceError) || error.code !== 'frames_failed') throw error;
    throw fail('batch_input_unreadable', { name: source.name, problem: framesReason(error) }, error);
  }
}

/** An input that an earlier attempt has staged. */
export function openStaged(frames: DirectFrames, { path, decimal }: StagedFile): Promise<BatchSource> {
  return described(frames, path, decimal);
}

async function described(
  frames: DirectFrames,
  path: string,
  decimal: BatchSource['decimal'],
): Promise<BatchSource> {
  const file = `read_parquet(${sqlLiteral(path)})`;
  const described = await frames.query(`DESCRIBE SELECT * FROM ${file}`);
  const [count] = await frames.query(`SELECT count(*) AS n FROM ${file}`);
  const columns = new Map(described.map((c) => [String(c.column_name), String(c.column_type)]));
  columns.delete(problemColumn);
  return { path, rows: Number(count?.n), columns, decimal };
}

/** The columns of a Parquet file as it names them: DuckDB calls those otherwise that differ in nothing but case. */
async function parquetNames(frames: DirectFrames, path: string): Promise<readonly string[]> {
  // Depth first: the root, and behind each node those that are in it.
  const [root, ...nodes] = await frames.query(
    `SELECT name, num_children FROM parquet_schema(${sqlLiteral(path)})`,
  );
  const names: string[] = [];
  let inside = 0;
  for (const { name, num_children } of root ? nodes : []) {
    if (inside === 0) names.push(String(name));
    else inside--;
    inside += Number(num_children ?? 0);
  }
  return names;
}

/** Throws `batch_input_unreadable` for columns that could be mistaken for each other, or for one of the batch's own. */
function requireNames(file: string, names: readonly string[]): void {
  const seen = new Map<string, string>();
  for (const name of names) {
    const key = name.toLowerCase();
    const problem = nameProblem(name, seen.get(key));
    if (problem !== null) throw fail('batch_input_unreadable', { name: file, problem });
    seen.set(key, name);
  }
}

/** @param other a column before it that is called the same but for case */
function nameProblem(name: string, other: string | undefined): string | null {
  const key = name.toLowerCase();
  if (key === rowNumberColumn || key === problemColumn)
    return `it has a column "${name}", a name that batches use themselves: call it otherwise`;
  if (other === undefined) return null;
  if (other === name) return `column "${name}" comes twice`;
  return `columns "${other}" and "${name}" differ in nothing but case and are not told apart: call one otherwise`;
}

async function isParquet(path: string): Promise<boolean> {
  const file = await open(path, 'r');
  try {
    const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return buffer.toString('latin1') === 'PAR1';
  } finally {
    await file.close();
  }
}

/** A CSV file as Parquet of text: one row for each record, also for those that have the wrong number of cells. */
async function stageCsv(
  frames: DirectFrames,
  name: string,
  path: string,
  workDir: string,
  dialect: CsvDialect,
): Promise<string> {
  const target = join(workDir, 'input.parquet');
  let header: readonly string[] | null = null;
  let writer: Awaited<ReturnType<DirectFrames['writer']>> | null = null;
  let waiting: (string | null)[][] = [];
  const flush = () => {
    const rows = waiting.length;
    if (rows === 0 || !header) return;
    const width = header.length + 1;
    const columns = Array.from({ length: width }, (_, c) => waiting.map((record) => record[c] ?? null));
    writer?.append(columns, rows);
    waiting = [];
  };
  for await (const records of csvRecords(textOf(path, dialect.encoding), csvMarks(dialect))) {
    for (const record of records) {
      if (record.unclosed) throw fail('batch_input_unreadable', { name, problem: neverClosed(record.line) });
      if (!header) {
        header = headerOf(record.cells);
        const columns = [...header, problemColumn].map((name) => `${sqlName(name)} VARCHAR`);
        await frames.run(`CREATE TABLE staged (${columns.join(', ')})`);
        writer = await frames.writer('staged');
        continue;
      }
      waiting.push(staged(record, header.length));
      if (waiting.length === appendRows) flush();
    }
  }
  flush();
  writer?.close();
  if (!header) throw fail('batch_input_unreadable', { name, problem: 'it has no header line' });
  await frames.run(`COPY staged TO ${sqlLiteral(target)} (FORMAT parquet)`);
  await frames.run('DROP TABLE staged');
  return target;
}

/** How many rows the file has is not known then, and none of them could be told from the others. */
function neverClosed(line: number): string {
  return `a quote that is opened in the record of line ${line} is never closed, so all rows behind it would be in one cell: close it, or write it twice where it is a text's own`;
}

function staged({ cells: record, line }: CsvRecord, width: number): (string | null)[] {
  if (record.length === width) return [...record, null];
  const cells = Array.from({ length: width }, (_, i) => record[i] ?? null);
  return [...cells, `line ${line}: the record has ${record.length} cells, the header ${width}`];
}

function headerOf(record: readonly (string | null)[]): readonly string[] {
  // Columns of row names, as pandas and R write them, have no name: they are called as DuckDB calls them.
  const names = record.map((cell, i) => cell || `column${i}`);
  requireNames('the header line', names);
  return names;
}

async function* textOf(path: string, encoding: string): AsyncGenerator<string, void, undefined> {
  try {
    yield* csvText(createReadStream(path, { highWaterMark: 1 << 20 }), encoding);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw fail('batch_input_unreadable', { name: 'the CSV file', problem: `it is not ${encoding}` }, error);
  }
}

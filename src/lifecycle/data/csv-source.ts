import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { type CsvDialect, type CsvOptions, csvDialect, csvMarks, csvText } from '../../core/csv-dialect.ts';
import { fail } from '../../core/errors.ts';
import { type Frames, sqlLiteral, sqlName } from '../../platform/frames/index.ts';
import { columnTypeOf } from './columns.ts';

/** How R and spreadsheets write a value that is not there; pandas leaves the cell empty. */
const missingTexts = ['NA', '#N/A'];

/**
 * SQL for the rows of a CSV file, with the types that all its rows have. `NA` without quotes is a missing value in
 * columns that hold no other text, a text elsewhere (Namibia's code). Throws `dataset_unreadable` where it cannot be
 * told how the file is to be read, and what the engine throws.
 *
 * @param temporary where a copy in UTF-8 is put when the file is none; the caller removes it
 */
export async function csvSource(
  frames: Frames,
  file: { readonly path: string; readonly name: string },
  options: CsvOptions,
  temporary: string,
): Promise<string> {
  const dialect = await csvDialect(createReadStream(file.path), options);
  if (typeof dialect === 'string')
    throw fail('dataset_unreadable', { source: file.name, format: 'csv', problem: dialect });
  const path = dialect.encoding === 'utf-8' ? file.path : await copyAsUtf8(file, dialect, temporary);
  const read = (more = '') =>
    `read_csv(${sqlLiteral(path)}, header = true, sample_size = -1, delim = ${sqlLiteral(csvMarks(dialect).delimiter)},
      quote = '"', escape = '"', decimal_separator = '${dialect.decimal === 'comma' ? ',' : '.'}'${more})`;
  const skip = (await namesDelimiter(path)) ? ', skip = 1' : '';
  const types = await typesOf(frames, read(skip));
  if (![...types.values()].includes('VARCHAR')) return read(skip);
  const nulls = ['', ...missingTexts].map(sqlLiteral).join(', ');
  const typed = await typesOf(frames, read(`${skip}, nullstr = [${nulls}], allow_quoted_nulls = false`));
  const replaced = [...types].flatMap(([name, type]) => {
    const better = typed.get(name) ?? type;
    if (type !== 'VARCHAR' || better === type || columnTypeOf(better) === 'other') return [];
    const text = missingTexts.reduce((sql, na) => `nullif(${sql}, ${sqlLiteral(na)})`, sqlName(name));
    const number = dialect.decimal === 'comma' ? `replace(${text}, ',', '.')` : text;
    return [`CAST(${columnTypeOf(better) === 'number' ? number : text} AS ${better}) AS ${sqlName(name)}`];
  });
  if (replaced.length === 0) return read(skip);
  return `(SELECT * REPLACE (${replaced.join(', ')}) FROM ${read(skip)})`;
}

async function typesOf(frames: Frames, source: string): Promise<ReadonlyMap<string, string>> {
  const rows = await frames.query(`DESCRIBE SELECT * FROM ${source}`);
  return new Map(rows.map((row) => [String(row.column_name), String(row.column_type)]));
}

async function copyAsUtf8(
  file: { readonly path: string; readonly name: string },
  { encoding }: CsvDialect,
  target: string,
): Promise<string> {
  const copy = await open(target, 'w');
  try {
    for await (const text of csvText(createReadStream(file.path), encoding)) await copy.write(text);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    const problem = `it is not ${encoding}: save it as UTF-8, or say what it is (csv.encoding)`;
    throw fail('dataset_unreadable', { source: file.name, format: 'csv', problem }, error);
  } finally {
    await copy.close();
  }
  return target;
}

/** Whether the first line is `sep=;`, as spreadsheets take it. */
async function namesDelimiter(path: string): Promise<boolean> {
  const [head = ''] = await Array.fromAsync(createReadStream(path, { end: 15, encoding: 'utf8' }));
  return /^\uFEFF?sep=.\r?\n/.test(head);
}

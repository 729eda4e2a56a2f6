import { readCsv } from '../../../core/csv.ts';
import { checkRowCount } from '../http/request-size.ts';
import { malformed } from '../request-context.ts';
import { type ScoringTable, table } from './table.ts';

/** The body as text. Throws `request_malformed` for what is not UTF-8. */
export function csvText(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw malformed('the CSV is not UTF-8 text');
  }
}

/**
 * Reads a CSV body: a header line with the names of columns, then rows. An empty field is a missing value.
 * Throws `request_malformed`.
 */
export async function readCsvTable(body: Buffer): Promise<ScoringTable> {
  const text = csvText(body);
  let names: readonly string[] | null = null;
  const rows: (readonly string[])[] = [];
  for await (const { line, cells, unclosed } of readCsv([text])) {
    if (unclosed) throw malformed(`line ${line} of the CSV has a quote that is never closed`);
    if (!names) {
      names = cells;
      continue;
    }
    if (cells.length !== names.length) {
      throw malformed(`line ${line} of the CSV has ${cells.length} fields, the header has ${names.length}`);
    }
    rows.push(cells);
  }
  if (!names) throw malformed('the CSV is empty: it must begin with a line of column names');
  if (new Set(names).size < names.length) throw malformed('the CSV names a column twice');
  checkRowCount(rows.length);
  return table(names, rows.length, (row, column) => rows[row]?.[column] || null);
}

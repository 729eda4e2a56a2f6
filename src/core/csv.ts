/** A row of a CSV file with the number of the line that it begins on (from 1). */
export interface CsvRow {
  readonly line: number;
  readonly cells: readonly string[];
  /** Its last quote is never closed, or not within 64 Mi characters: the rest of the text is in it, and no row comes after it. */
  readonly unclosed?: true;
}

/** A row whose empty cells without quotes, which are missing values, are null. */
export interface CsvRecord extends Omit<CsvRow, 'cells'> {
  readonly cells: readonly (string | null)[];
}

/** What stands between cells and at the ends of lines; see `csvDialect`. */
export interface CsvMarks {
  readonly delimiter: string;
  /** `cr`: a carriage return alone ends a line. `lf`: a line feed does, and carriage returns before it are dropped. */
  readonly lineEnd: 'lf' | 'cr';
}

const plainMarks: CsvMarks = { delimiter: ',', lineEnd: 'lf' };
/** No text is as long; a quote that is never closed would take more than a string can hold. */
const longestCell = 2 ** 26;
const QUOTE = 34;
const LF = 10;
const CR = 13;

/**
 * Reads CSV as RFC 4180 has it, from pieces of text cut anywhere: fields in double quotes may hold delimiters, line
 * breaks and doubled quotes. Every record comes out, also those with too few or too many cells; empty lines are left
 * out, as are a byte order mark and a first line that names the delimiter (`sep=;`). A quote that is never closed takes the rest of the text, and its row says so. Records
 * come in bundles, as the text came.
 */
export async function* csvRecords(
  pieces: AsyncIterable<string> | Iterable<string>,
  marks: CsvMarks = plainMarks,
): AsyncGenerator<readonly CsvRecord[], void, undefined> {
  const delimiter = marks.delimiter.charCodeAt(0);
  const lineEnd = marks.lineEnd === 'cr' ? CR : LF;
  let records: CsvRecord[] = [];
  let cells: (string | null)[] = [];
  let cell = '';
  let wasQuoted = false;
  let inQuotes = false;
  let afterQuote = false;
  let first = true;
  let line = 1;
  let begin = 1;
  const endCell = () => {
    cells.push(cell === '' && !wasQuoted ? null : cell);
    cell = '';
    wasQuoted = false;
    afterQuote = false;
  };
  const endRecord = () => {
    endCell();
    const names = begin === 1 && cells.length === 2 && cells[0] === 'sep=' && cells[1] === null;
    if (!names && (cells.length > 1 || cells[0] !== null)) records.push({ line: begin, cells });
    cells = [];
  };
  for await (const piece of pieces) {
    const text = first && piece.startsWith('\uFEFF') ? piece.slice(1) : piece;
    first = first && piece === '';
    let from = 0;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === lineEnd) line++;
      if (inQuotes) {
        if (code !== QUOTE) continue;
        cell += text.slice(from, at);
        inQuotes = false;
        afterQuote = true;
        from = at + 1;
      } else if (code === QUOTE && (afterQuote || (cell === '' && at === from))) {
        // A quote right after a closing one stands for a quote; else it opens the cell.
        if (afterQuote) cell += '"';
        wasQuoted = true;
        inQuotes = true;
        afterQuote = false;
        from = at + 1;
      } else if (code === delimiter || code === LF || code === CR) {
        cell += text.slice(from, at);
        from = at + 1;
        if (code === delimiter) endCell();
        else if (code === lineEnd) {
          endRecord();
          begin = line;
        }
      } else {
        afterQuote = false;
      }
    }
    cell += text.slice(from);
    if (inQuotes && cell.length > longestCell) break;
    if (records.length > 0) yield records;
    records = [];
  }
  if (!inQuotes) endRecord();
  else records.push({ line: begin, cells: [...cells, cell], unclosed: true });
  if (records.length > 0) yield records;
}

/** As `csvRecords`, row by row, with missing values as empty texts. */
export async function* readCsv(
  pieces: AsyncIterable<string> | Iterable<string>,
  marks: CsvMarks = plainMarks,
): AsyncGenerator<CsvRow> {
  for await (const records of csvRecords(pieces, marks))
    for (const { cells, ...row } of records) yield { ...row, cells: cells.map((cell) => cell ?? '') };
}

/** A line of CSV without its end, quoted where it must be. */
export function csvLine(cells: readonly string[]): string {
  return cells.map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',');
}

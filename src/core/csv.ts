/** A row of a CSV file with the number of the line that it begins on (from 1). */
export interface CsvRow {
  readonly line: number;
  readonly cells: readonly string[];
  /** Its last quote is never closed: the rest of the text is in it. */
  readonly unclosed?: true;
}

/**
 * Reads CSV as RFC 4180 has it, from pieces of text cut anywhere: fields in double quotes may hold commas, line
 * breaks and doubled quotes. Empty lines are left out; a byte order mark is dropped. A quote that is never closed
 * takes the rest of the text, and its row says so.
 */
export async function* readCsv(pieces: AsyncIterable<string> | Iterable<string>): AsyncGenerator<CsvRow> {
  let cells: string[] = [];
  let cell = '';
  let quoted = false;
  let closed = false;
  let line = 1;
  let begin = 1;
  let first = true;
  for await (const piece of pieces) {
    for (const char of first && piece.startsWith('\uFEFF') ? piece.slice(1) : piece) {
      first = false;
      if (char === '\n') line++;
      if (quoted) {
        if (char === '"') [quoted, closed] = [false, true];
        else cell += char;
        continue;
      }
      if (char === '"' && (cell === '' || closed)) {
        if (closed) cell += '"';
        quoted = true;
      } else if (char === ',') {
        cells.push(cell);
        cell = '';
      } else if (char === '\n') {
        if (cells.length > 0 || cell !== '') yield { line: begin, cells: [...cells, cell] };
        cells = [];
        cell = '';
        begin = line;
      } else if (char !== '\r') {
        cell += char;
      }
      closed = false;
    }
  }
  if (cells.length > 0 || cell !== '' || quoted)
    yield { line: begin, cells: [...cells, cell], ...(quoted ? { unclosed: true as const } : {}) };
}

/** A line of CSV without its end, quoted where it must be. */
export function csvLine(cells: readonly string[]): string {
  return cells.map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',');
}

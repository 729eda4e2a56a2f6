/** A record of a CSV file: its cells; null for an empty cell without quotes, which is a missing value. */
export type CsvRecord = readonly (string | null)[];

/**
 * Reads CSV (RFC 4180: commas, quotes doubled inside quotes, line ends of either kind) from a stream of text. Every
 * record comes out, also those with too few or too many cells: a reader that drops them leaves holes. Empty lines are
 * no records. They come in bundles, as the text came.
 */
export async function* csvRecords(
  chunks: AsyncIterable<string>,
): AsyncGenerator<readonly CsvRecord[], void, undefined> {
  let cells: (string | null)[] = [];
  let cell = '';
  let quoted = false;
  let inQuotes = false;
  let afterQuote = false;
  let first = true;
  const endCell = () => {
    cells.push(cell === '' && !quoted ? null : cell);
    cell = '';
    quoted = false;
    afterQuote = false;
  };
  const endRecord = (): CsvRecord | null => {
    endCell();
    const record = cells;
    cells = [];
    return record.length === 1 && record[0] === null ? null : record;
  };
  for await (const chunk of chunks) {
    const records: CsvRecord[] = [];
    let text = chunk;
    if (first && text.startsWith('\uFEFF')) text = text.slice(1);
    first = first && chunk === '';
    let from = 0;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (inQuotes) {
        if (code !== QUOTE) continue;
        cell += text.slice(from, at);
        inQuotes = false;
        afterQuote = true;
        from = at + 1;
      } else if (code === QUOTE && (afterQuote || (cell === '' && at === from))) {
        // A quote right after a closing one stands for a quote; else it opens the cell.
        if (afterQuote) cell += '"';
        quoted = true;
        inQuotes = true;
        afterQuote = false;
        from = at + 1;
      } else if (code === COMMA || code === LF || code === CR) {
        cell += text.slice(from, at);
        from = at + 1;
        if (code === COMMA) endCell();
        else if (code === LF) {
          const record = endRecord();
          if (record) records.push(record);
        }
      } else {
        afterQuote = false;
      }
    }
    cell += text.slice(from);
    if (records.length > 0) yield records;
  }
  const last = endRecord();
  if (last) yield [last];
}

const QUOTE = 34;
const COMMA = 44;
const LF = 10;
const CR = 13;

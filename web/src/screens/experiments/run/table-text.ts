/** Reading tables from text. Pure. */

export type TextTable = {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
};

/**
 * Comma- or tab-separated values (RFC 4180): quoted fields may hold separators, line ends and doubled quotes. A last
 * line that was cut is dropped when `isCut`.
 */
export function parseSeparated(text: string, separator: ',' | '\t' | ';', isCut: boolean): TextTable {
  const rows: string[][] = [];
  let row: string[] = [];
  let field = '';
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (quoted) {
      if (char !== '"') field += char;
      else if (text[at + 1] === '"') {
        field += '"';
        at += 1;
      } else quoted = false;
    } else if (char === '"' && field === '') quoted = true;
    else if (char === separator) {
      row.push(field);
      field = '';
    } else if (char === '\n') {
      row.push(field.endsWith('\r') ? field.slice(0, -1) : field);
      rows.push(row);
      row = [];
      field = '';
    } else field += char;
  }
  if (!isCut && (field !== '' || row.length > 0)) rows.push([...row, field]);
  const [columns = [], ...rest] = rows;
  return { columns, rows: rest };
}

/** The separator that the first line uses most. */
export function separatorOf(text: string, isTabs: boolean): ',' | '\t' | ';' {
  if (isTabs) return '\t';
  const line = text.slice(0, text.indexOf('\n') < 0 ? undefined : text.indexOf('\n'));
  const count = (char: string): number => line.split(char).length;
  return count(';') > count(',') ? ';' : count('\t') > count(',') ? '\t' : ',';
}

/** A table as `mlflow.log_table` writes it, `{"columns": [...], "data": [[...]]}`; null for any other value. */
export function loggedTable(value: unknown): TextTable | null {
  if (typeof value !== 'object' || value === null) return null;
  const columns: unknown = Reflect.get(value, 'columns');
  const data: unknown = Reflect.get(value, 'data');
  if (!Array.isArray(columns) || !Array.isArray(data) || !data.every(Array.isArray)) return null;
  const cell = (each: unknown): string =>
    each === null || each === undefined ? '' : typeof each === 'object' ? JSON.stringify(each) : String(each);
  return { columns: columns.map(String), rows: data.map((row: unknown[]) => row.map(cell)) };
}

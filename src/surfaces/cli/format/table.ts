/** A column of a table. The last one is cut to the terminal's width unless it `isWhole`, the others never are. */
export interface Column<T> {
  readonly head: string;
  readonly value: (row: T) => string | number;
  readonly align?: 'right';
  /** What the reader has to type again, such as an id. */
  readonly isWhole?: true;
}

const gap = '  ';
const narrowest = 12;

/** Rows in aligned columns under their heads, without trailing spaces. */
export function table<T>(columns: readonly Column<T>[], rows: readonly T[], width: number): string {
  const cells = rows.map((row) => columns.map((column) => oneLine(String(column.value(row)))));
  const widths = columns.map((column, i) =>
    Math.max(column.head.length, ...cells.map((row) => row[i]?.length ?? 0)),
  );
  const before = widths.slice(0, -1).reduce((sum, w) => sum + w + gap.length, 0);
  const room = Math.max(narrowest, width - before);
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, i) => {
        if (i === columns.length - 1)
          return text.length > room && !columns[i]?.isWhole ? `${text.slice(0, room - 1)}…` : text;
        const size = widths[i] ?? 0;
        return columns[i]?.align === 'right' ? text.padStart(size) : text.padEnd(size);
      })
      .join(gap)
      .trimEnd();
  return [line(columns.map((column) => column.head)), ...cells.map(line)].join('\n');
}

/** Facts as aligned `name  value` lines; those without a value are left out. */
export function facts(pairs: readonly (readonly [string, string | null | undefined])[]): string {
  const known = pairs.filter(([, value]) => value !== null && value !== undefined && value !== '');
  const width = Math.max(0, ...known.map(([name]) => name.length));
  return known.map(([name, value]) => `${name.padEnd(width)}${gap}${value}`).join('\n');
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' · ');
}

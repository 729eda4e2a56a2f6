/** Where rows and columns of a data grid lie, and which of them are in sight. Pure. */

export type Span = { readonly start: number; readonly end: number };

export type ColumnLayout = {
  /** Left edge of each column, in pixels from the left edge of the grid. */
  readonly lefts: readonly number[];
  readonly widths: readonly number[];
  readonly totalPx: number;
  /** Width of the columns that stay in place at the left. */
  readonly frozenPx: number;
};

/**
 * Column positions. What is left of the grid's own width goes to the columns that may grow, in equal parts.
 *
 * @param frozen how many columns stay in place at the left
 */
export function layoutColumns(
  columns: readonly { readonly widthPx: number; readonly grows?: boolean }[],
  frozen: number,
  widthPx: number,
): ColumnLayout {
  const wanted = columns.reduce((sum, column) => sum + column.widthPx, 0);
  const growing = columns.filter((column) => column.grows).length;
  const extraPx = growing === 0 ? 0 : Math.max(0, Math.floor((widthPx - wanted) / growing));
  const widths = columns.map((column) => column.widthPx + (column.grows ? extraPx : 0));
  const lefts: number[] = [];
  let left = 0;
  for (const width of widths) {
    lefts.push(left);
    left += width;
  }
  return { lefts, widths, totalPx: left, frozenPx: lefts[frozen] ?? left };
}

/** The columns, frozen ones apart, that a view from `scrollPx` on shows, with one more at each side. */
export function columnsInSight(
  layout: ColumnLayout,
  frozen: number,
  scrollPx: number,
  widthPx: number,
): Span {
  const { lefts, widths } = layout;
  const from = scrollPx + layout.frozenPx;
  const to = scrollPx + widthPx;
  let start = frozen;
  while (start < lefts.length && (lefts[start] ?? 0) + (widths[start] ?? 0) <= from) start += 1;
  let end = start;
  while (end < lefts.length && (lefts[end] ?? 0) < to) end += 1;
  return { start: Math.max(frozen, start - 1), end: Math.min(lefts.length, end + 1) };
}

/** The rows that a view from `scrollPx` on shows, with `more` at each side, in steps so that few scrolls redraw. */
export function rowsInSight(
  count: number,
  rowPx: number,
  scrollPx: number,
  heightPx: number,
  more = 10,
): Span {
  const first = Math.floor(scrollPx / rowPx / 4) * 4;
  const shown = Math.ceil(heightPx / rowPx) + 4;
  return { start: Math.max(0, first - more), end: Math.min(count, first + shown + more) };
}

/** Height of a row: taller where a finger points. */
export const rowHeightPx = (): number => (matchMedia('(pointer: coarse)').matches ? 40 : 32);

/** Narrower grids show each row as a card, since their columns would lie out of sight. */
const NARROW_PX = 560;

/** So many columns beside the first are on a card; all are on the row's own screen. */
export const CARD_COLUMNS = 4;
export const CARD_TITLE_PX = 36;
const CARD_LINE_PX = 22;

/** Whether the rows of a grid are cards: it is narrow, and its columns do not fit. */
export const showsCards = (widthPx: number, columnsPx: number): boolean =>
  widthPx > 0 && widthPx < NARROW_PX && columnsPx > widthPx;

/** Height of a card: numbers stand two in a line, texts have a line of their own. */
export function cardHeightPx(columns: readonly { readonly align?: 'right' }[]): number {
  const shown = columns.slice(1, 1 + CARD_COLUMNS);
  const numbers = shown.filter((column) => column.align === 'right').length;
  return CARD_TITLE_PX + (shown.length - numbers + Math.ceil(numbers / 2)) * CARD_LINE_PX + 10;
}

/** Height of a grid that shows all its rows while they are few, and scrolls within `mostPx` when they are many. */
export function gridHeightPx(
  rowCount: number,
  mostPx: number,
  columns: readonly { readonly align?: 'right' }[],
  footerPx = 0,
): number {
  const rowPx = innerWidth < NARROW_PX ? cardHeightPx(columns) : rowHeightPx();
  return Math.min(mostPx, rowPx * rowCount + rowHeightPx() + 12 + footerPx);
}

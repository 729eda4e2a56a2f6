import {
  type KeyboardEvent,
  type ReactNode,
  type Ref,
  useEffect,
  useImperativeHandle,
  useMemo,
  useRef,
  useState,
} from 'react';
import { useShortcut } from '../shortcuts.tsx';
import { MOST_PRINTED, unprintedNote, useIsPrinted } from '../use-printed.ts';
import { BodyRow } from './body-row.tsx';
import { CardHead } from './card-head.tsx';
import { HeadRow } from './head-row.tsx';
import {
  cardHeightPx,
  columnsInSight,
  layoutColumns,
  rowHeightPx,
  rowsInSight,
  showsCards,
} from './layout.ts';
import { useViewport } from './use-viewport.ts';

export type DataColumn<T> = {
  readonly id: string;
  readonly head: string;
  /** A second word in the head, quieter: which value of a metric, what kind of key. */
  readonly note?: string;
  /** What the head means, on hover. The head itself is always part of it, since heads are cut. */
  readonly tip?: string;
  readonly widthPx: number;
  readonly grows?: boolean;
  readonly align?: 'right';
  readonly cell: (row: T) => ReactNode;
  /** Set for columns that the server can sort by. */
  readonly sort?: { readonly active: 'asc' | 'desc' | null; readonly toggle: () => void };
  /** Set for columns whose width a person may change. */
  readonly onResize?: (widthPx: number) => void;
};

/** What a screen may ask of its grid. */
export type DataGridHandle = { readonly scrollToTop: () => void };

type Selection = {
  readonly keys: ReadonlySet<string>;
  readonly onChange: (keys: ReadonlySet<string>) => void;
  /** How a row is named to somebody who cannot see it. */
  readonly nameOf: (key: string) => string;
};

/**
 * A table of any length and width that scrolls within itself: only rows and columns in sight are drawn. Arrows (or
 * j and k) move, Enter opens, Space (or x) selects, with Shift the rows between; Home, End and the page keys jump.
 * The first column stays in place. Rows are 32 px, 40 on touch; where the columns do not fit a phone, each row is a card
 * of its first columns. On paper are the first 1,000 rows.
 */
export function DataGrid<T>(props: {
  readonly label: string;
  readonly rows: readonly T[];
  /** How many rows there are with those that are not loaded yet. */
  readonly totalCount?: number | null;
  readonly columns: readonly DataColumn<T>[];
  readonly rowKey: (row: T) => string;
  readonly onOpen: (row: T) => void;
  readonly selection?: Selection;
  readonly onEnd?: () => void;
  readonly onReading?: (reading: boolean) => void;
  readonly footer?: ReactNode;
  readonly ref?: Ref<DataGridHandle>;
}) {
  const { rows, columns, rowKey, onOpen, selection, onEnd, onReading } = props;
  const box = useRef<HTMLDivElement>(null);
  const headPx = rowHeightPx();
  const view = useViewport(box, headPx);
  const [cursor, setCursor] = useState(-1);
  const anchor = useRef(-1);
  const layout = useMemo(() => layoutColumns(columns, 1, view.widthPx), [columns, view.widthPx]);
  const cards = showsCards(view.widthPx, layout.totalPx);
  const rowPx = cards ? cardHeightPx(columns) : headPx;
  const bodyPx = Math.max(0, view.heightPx - (cards ? 0 : headPx));
  const isPrinted = useIsPrinted();
  const seen = isPrinted
    ? { start: 0, end: Math.min(rows.length, MOST_PRINTED) }
    : rowsInSight(rows.length, rowPx, view.topPx, bodyPx);
  const { start, end } = columnsInSight(layout, 1, view.leftPx, view.widthPx);
  const shown = useMemo(() => columns.slice(start, end), [columns, start, end]);
  useImperativeHandle(props.ref, () => ({ scrollToTop: () => box.current?.scrollTo({ top: 0 }) }), []);

  const nearEnd = seen.end >= rows.length - 40;
  useEffect(() => {
    if (rows.length > 0 && nearEnd) onEnd?.();
  }, [nearEnd, rows.length, onEnd]);
  const reading = view.topPx > rowPx * 4;
  useEffect(() => onReading?.(reading), [reading, onReading]);

  const reveal = (index: number): void => {
    const element = box.current;
    if (!element) return;
    const top = index * rowPx;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + rowPx > element.scrollTop + bodyPx) element.scrollTop = top + rowPx - bodyPx;
  };
  const toggle = (index: number, range: boolean): void => {
    if (!selection) return;
    const keys = new Set(selection.keys);
    const row = rows[index];
    if (row === undefined) return;
    const key = rowKey(row);
    if (range && anchor.current >= 0) {
      const [from, to] = [Math.min(anchor.current, index), Math.max(anchor.current, index)];
      for (const each of rows.slice(from, to + 1)) keys.add(rowKey(each));
    } else if (!keys.delete(key)) keys.add(key);
    anchor.current = index;
    selection.onChange(keys);
  };
  const moveTo = (index: number): void => {
    const next = Math.min(rows.length - 1, Math.max(0, index));
    setCursor(next);
    reveal(next);
  };
  // From anywhere on the page: the focus comes along, so that the next keys mean the row.
  const reach = (by: number): void => {
    box.current?.focus({ preventScroll: true });
    moveTo(cursor + by);
  };
  useShortcut('j', 'Next row', () => reach(1));
  useShortcut('k', 'Previous row', () => reach(-1));
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.target !== event.currentTarget || event.metaKey || event.ctrlKey || event.altKey) return;
    const page = Math.max(1, Math.floor(bodyPx / rowPx) - 1);
    const row = rows[cursor];
    const act: Readonly<Record<string, () => void>> = {
      ArrowDown: () => moveTo(cursor + 1),
      j: () => moveTo(cursor + 1),
      ArrowUp: () => moveTo(cursor - 1),
      k: () => moveTo(cursor - 1),
      PageDown: () => moveTo(cursor + page),
      PageUp: () => moveTo(cursor - page),
      Home: () => moveTo(0),
      End: () => moveTo(rows.length - 1),
      Enter: () => row !== undefined && onOpen(row),
      ' ': () => toggle(Math.max(0, cursor), event.shiftKey),
      x: () => toggle(Math.max(0, cursor), false),
      X: () => toggle(Math.max(0, cursor), true),
      ArrowRight: () => box.current?.scrollBy({ left: 120 }),
      ArrowLeft: () => box.current?.scrollBy({ left: -120 }),
    };
    const run = act[event.key];
    if (!run) return;
    event.preventDefault();
    event.stopPropagation();
    run();
  };
  const activeKey = rows[cursor] === undefined ? undefined : `row-${rowKey(rows[cursor] as T)}`;
  return (
    <div className="flex min-h-0 min-w-0 flex-1 flex-col">
      {cards && <CardHead columns={columns} heightPx={headPx} />}
      {/* biome-ignore lint/a11y/useSemanticElements: rows and columns are windowed and placed by transform, which table elements forbid. */}
      <div
        ref={box}
        role="grid"
        tabIndex={0}
        aria-label={props.label}
        aria-rowcount={(props.totalCount ?? rows.length) + 1}
        aria-colcount={columns.length}
        aria-multiselectable={selection !== undefined}
        aria-activedescendant={cursor >= seen.start && cursor < seen.end ? activeKey : undefined}
        onKeyDown={onKeyDown}
        onFocus={(event) => event.target === event.currentTarget && cursor < 0 && setCursor(0)}
        className="group/grid relative min-h-0 flex-1 overflow-auto overscroll-contain -outline-offset-2 print:overflow-visible"
      >
        {!cards && <HeadRow columns={columns} shown={shown} start={start} layout={layout} rowPx={headPx} />}
        {/* biome-ignore lint/a11y/useSemanticElements: see above. */}
        <div
          role="rowgroup"
          className="relative print:h-auto!"
          style={{ height: rows.length * rowPx, width: cards ? '100%' : layout.totalPx }}
        >
          {rows.slice(seen.start, seen.end).map((row, offset) => {
            const index = seen.start + offset;
            const key = rowKey(row);
            return (
              <BodyRow
                key={key}
                id={`row-${key}`}
                row={row}
                index={index}
                topPx={index * rowPx}
                heightPx={rowPx}
                first={columns[0] as DataColumn<T>}
                shown={shown}
                start={start}
                card={cards ? columns : null}
                layout={layout}
                isCursor={index === cursor}
                isSelected={selection ? selection.keys.has(key) : null}
                name={selection ? selection.nameOf(key) : ''}
                onToggle={toggle}
                onOpen={(at) => {
                  setCursor(at);
                  onOpen(rows[at] as T);
                }}
              />
            );
          })}
        </div>
      </div>
      {isPrinted && unprintedNote(rows.length) && (
        <p className="px-4 py-1.5 text-label text-muted">{unprintedNote(rows.length)}</p>
      )}
      {props.footer && (
        <div className="flex min-h-9 flex-wrap items-center gap-x-4 border-line border-t px-4 py-1.5 text-label text-muted">
          {props.footer}
        </div>
      )}
    </div>
  );
}

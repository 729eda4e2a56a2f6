// biome-ignore-all lint/a11y/useSemanticElements: windowed rows are placed by transform, which table elements forbid.
// biome-ignore-all lint/a11y/useFocusableInteractive: rows are reached by j and k, cells hold their own links.
import { useVirtualizer } from '@tanstack/react-virtual';
import { type ReactNode, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { useWidth } from '../charts/draw/use-width.ts';
import { useShortcut } from './shortcuts.tsx';
import { MOST_PRINTED, unprintedNote, useIsPrinted } from './use-printed.ts';

export type GridColumn<T> = {
  readonly id: string;
  readonly head: ReactNode;
  /** CSS grid track: `120px`, `minmax(160px, 1fr)`. */
  readonly width: string;
  readonly cell: (row: T) => ReactNode;
  readonly align?: 'right';
  /** Left out where the grid is narrow, on a phone or beside an open panel: below 760 px, or below this many. */
  readonly wideOnly?: boolean | number;
  /** Set for columns that the server can sort by. */
  readonly sort?: { readonly active: 'asc' | 'desc' | null; readonly toggle: () => void };
};

const NARROW_PX = 760;
/** What a line below a row's cells takes. */
const NOTE_PX = 20;

/**
 * A table whose rows are windowed against the page's own scroll, so 10,000 rows cost as much as forty.
 * j and k move, Enter opens. Rows are 32 px, 40 on touch. On paper are the first 1,000 rows.
 */
export function Grid<T>(props: {
  readonly label: string;
  readonly rows: readonly T[];
  readonly columns: readonly GridColumn<T>[];
  readonly rowKey: (row: T) => string;
  readonly onOpen?: (row: T) => void;
  readonly openKey?: string | null;
  readonly onEnd?: () => void;
  readonly footer?: ReactNode;
  /** What else must be read of a row where the grid is narrow: a line of its own below the cells. */
  readonly narrowNote?: (row: T) => ReactNode;
}) {
  const { rows, rowKey, onOpen, openKey, onEnd } = props;
  const body = useRef<HTMLDivElement>(null);
  const [cursor, setCursor] = useState(-1);
  const [margin, setMargin] = useState(0);
  const coarse = matchMedia('(pointer: coarse)').matches;
  const [box, boxWidth] = useWidth<HTMLDivElement>();
  const [table, tableWidth] = useWidth<HTMLDivElement>();
  const isCut = tableWidth > boxWidth;
  const narrow = boxWidth > 0 && boxWidth < NARROW_PX;
  const columns = props.columns.filter(({ wideOnly }) =>
    typeof wideOnly === 'number' ? boxWidth >= wideOnly : !(narrow && wideOnly),
  );
  const note = narrow ? props.narrowNote : undefined;
  const rowHeight = (coarse ? 40 : 32) + (note ? NOTE_PX : 0);
  const isPrinted = useIsPrinted();
  const template = columns.map((column) => column.width).join(' ');

  useLayoutEffect(() => {
    if (body.current) setMargin(body.current.getBoundingClientRect().top + scrollY);
  }, []);
  const virtual = useWindowRows(rows.length, rowHeight, margin);
  const last = virtual.items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (rows.length > 0 && last >= rows.length - 8) onEnd?.();
  }, [last, rows.length, onEnd]);

  const focusRow = (index: number): boolean => {
    const row = body.current?.querySelector<HTMLElement>(`[aria-rowindex="${index + 2}"]`);
    row?.focus({ preventScroll: true });
    return row !== null && row !== undefined;
  };
  const move = (by: number): void => {
    const next = Math.min(rows.length - 1, Math.max(0, cursor + by));
    setCursor(next);
    virtual.reveal(next);
    // The focus goes along, so that Enter means the row and not what was focused before: at once, since the Enter may
    // be the next key, or after the row that was scrolled to has been drawn.
    if (!focusRow(next)) requestAnimationFrame(() => focusRow(next));
    const row = rows[next];
    if (row !== undefined && openKey && onOpen) onOpen(row);
  };
  useShortcut('j', 'Next row', () => move(1));
  useShortcut('k', 'Previous row', () => move(-1));
  useShortcut('Enter', 'Open row', () => {
    const row = rows[cursor];
    if (row !== undefined) onOpen?.(row);
  });

  return (
    <div ref={box} className={`min-w-0 ${isCut ? 'overflow-x-auto' : ''}`}>
      <div
        ref={table}
        role="table"
        aria-label={props.label}
        aria-rowcount={rows.length + 1}
        className="min-w-fit"
      >
        {/* The heads stay in sight below the top bar, unless the grid scrolls sideways within itself. */}
        <div
          role="rowgroup"
          className={`rounded-t-card bg-surface print:static ${isCut ? '' : 'sticky top-12 z-10'}`}
        >
          <HeadRow columns={columns} template={template} />
        </div>
        <div
          role="rowgroup"
          ref={body}
          className="relative print:h-auto!"
          style={{ height: rows.length * rowHeight }}
        >
          {(isPrinted ? printed(rows.length) : virtual.items).map(({ index, start }) => {
            const row = rows[index] as T;
            const key = rowKey(row);
            return (
              <BodyRow
                key={key}
                {...{ row, index, columns, template, start, note }}
                heightPx={rowHeight}
                isOpen={key === openKey}
                isCursor={index === cursor}
                onPick={
                  onOpen &&
                  (() => {
                    setCursor(index);
                    onOpen(row);
                  })
                }
              />
            );
          })}
        </div>
      </div>
      {isPrinted && unprintedNote(rows.length) && (
        <p className="px-4 py-2 text-label text-muted">{unprintedNote(rows.length)}</p>
      )}
      {props.footer && <div className="px-4 py-2 text-label text-muted">{props.footer}</div>}
    </div>
  );
}

function HeadRow<T>(props: { readonly columns: readonly GridColumn<T>[]; readonly template: string }) {
  return (
    <div
      role="row"
      aria-rowindex={1}
      className="grid h-8 items-center gap-x-3 border-line border-b bg-surface px-4 text-label text-muted sm:gap-x-5"
      style={{ gridTemplateColumns: props.template }}
    >
      {props.columns.map((column) => (
        <div
          key={column.id}
          role="columnheader"
          aria-sort={
            column.sort?.active === 'asc'
              ? 'ascending'
              : column.sort?.active === 'desc'
                ? 'descending'
                : undefined
          }
          className={`min-w-0 truncate ${column.align === 'right' ? 'text-right' : ''}`}
        >
          {column.sort ? (
            <button type="button" onClick={column.sort.toggle} className="hover:text-text">
              {column.head}
              <span aria-hidden>
                {column.sort.active === 'asc' ? ' ↑' : column.sort.active === 'desc' ? ' ↓' : ''}
              </span>
            </button>
          ) : (
            column.head
          )}
        </div>
      ))}
    </div>
  );
}

function BodyRow<T>(props: {
  readonly row: T;
  readonly index: number;
  readonly columns: readonly GridColumn<T>[];
  readonly template: string;
  /** Its place below the first row's. */
  readonly start: number;
  readonly heightPx: number;
  readonly note: ((row: T) => ReactNode) | undefined;
  readonly isOpen: boolean;
  readonly isCursor: boolean;
  readonly onPick: (() => void) | undefined;
}) {
  const { row, index, columns, note, onPick } = props;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: j, k and Enter are the keyboard's way to rows.
    <div
      role="row"
      aria-rowindex={index + 2}
      aria-selected={props.isOpen}
      data-cursor={props.isCursor || undefined}
      tabIndex={-1}
      onClick={(event) => {
        if (!(event.target as Element).closest('a, button, input')) onPick?.();
      }}
      className={`absolute inset-x-0 grid print:relative! print:transform-none! print:break-inside-avoid items-center gap-x-3 border-line sm:gap-x-5 border-b px-4 -outline-offset-2 hover:bg-sunken aria-selected:bg-accent-quiet data-cursor:shadow-[inset_2px_0_0_var(--accent)] ${onPick ? 'cursor-pointer' : ''}`}
      style={{
        gridTemplateColumns: props.template,
        height: props.heightPx,
        transform: `translateY(${props.start}px)`,
      }}
    >
      {columns.map((column) => (
        <div
          key={column.id}
          role="cell"
          className={`min-w-0 truncate ${column.align === 'right' ? 'text-right' : ''}`}
        >
          {column.cell(row)}
        </div>
      ))}
      {note && (
        <div role="cell" className="-mt-1 col-span-full min-w-0 truncate pb-1 text-label text-muted">
          {note(row)}
        </div>
      )}
    </div>
  );
}

/** All rows that paper has; they stand below each other there, whatever their start. */
const printed = (count: number) =>
  Array.from({ length: Math.min(count, MOST_PRINTED) }, (_, index) => ({ index, start: 0 }));

function useWindowRows(count: number, rowHeight: number, margin: number) {
  const virtualizer = useVirtualizer<HTMLElement, Element>({
    count,
    getScrollElement: () => document.documentElement,
    estimateSize: () => rowHeight,
    overscan: 12,
    scrollMargin: margin,
    observeElementOffset: (_instance, report) => {
      const onScroll = (): void => report(scrollY, true);
      report(scrollY, false);
      addEventListener('scroll', onScroll, { passive: true });
      return () => removeEventListener('scroll', onScroll);
    },
    observeElementRect: (_instance, report) => {
      const onResize = (): void => report({ width: innerWidth, height: innerHeight });
      onResize();
      addEventListener('resize', onResize);
      return () => removeEventListener('resize', onResize);
    },
  });
  useLayoutEffect(() => {
    if (rowHeight > 0) virtualizer.measure();
  }, [virtualizer, rowHeight]);
  return {
    items: virtualizer.getVirtualItems().map((item) => ({ index: item.index, start: item.start - margin })),
    reveal: (index: number): void => {
      const top = margin + index * rowHeight;
      if (top < scrollY + 60) scrollTo({ top: top - 60 });
      else if (top + rowHeight > scrollY + innerHeight - 40)
        scrollTo({ top: top + rowHeight + 40 - innerHeight });
    },
  };
}

import { memo, type ReactNode } from 'react';
import type { DataColumn } from './data-grid.tsx';
import { CARD_COLUMNS, CARD_TITLE_PX, type ColumnLayout } from './layout.ts';

/**
 * Marks a link that leads where its row leads. Such a link is a plain anchor: one that follows the router costs more
 * than the rest of its row.
 */
export const OPENS_ROW = 'data-opens-row';

type RowProps<T> = {
  readonly id: string;
  readonly row: T;
  readonly index: number;
  readonly topPx: number;
  readonly heightPx: number;
  readonly first: DataColumn<T>;
  readonly shown: readonly DataColumn<T>[];
  /** Index of the first of `shown` among all columns. */
  readonly start: number;
  /** All columns, where the row is a card of the first ones; else null. */
  readonly card: readonly DataColumn<T>[] | null;
  readonly layout: ColumnLayout;
  readonly isCursor: boolean;
  /** Null where rows cannot be selected. */
  readonly isSelected: boolean | null;
  readonly name: string;
  readonly onToggle: (index: number, range: boolean) => void;
  readonly onOpen: (index: number) => void;
};

function Row<T>(props: RowProps<T>) {
  const { row, index, first, shown, start, card, layout, isSelected } = props;
  const ground = isSelected
    ? 'bg-accent-quiet'
    : 'bg-surface group-hover/row:bg-sunken group-data-cursor/row:group-focus/grid:bg-sunken';
  return (
    // biome-ignore-start lint/a11y: rows are placed by transform, which table elements forbid; the grid has the keys and the focus.
    <div
      id={props.id}
      role="row"
      aria-rowindex={index + 2}
      aria-selected={isSelected ?? undefined}
      data-cursor={props.isCursor || undefined}
      onClick={(event) => {
        const own = (event.target as Element).closest('a, button, input, label');
        if (own?.hasAttribute(OPENS_ROW)) {
          // A click with a modifier is the browser's: a new tab, a new window, a download.
          if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
          event.preventDefault();
          props.onOpen(index);
          return;
        }
        if (own) return;
        if (isSelected !== null && (event.metaKey || event.ctrlKey || event.shiftKey)) {
          event.preventDefault();
          props.onToggle(index, event.shiftKey);
        } else if (getSelection()?.isCollapsed !== false) props.onOpen(index);
      }}
      onMouseDown={(event) => event.shiftKey && event.preventDefault()}
      className={`group/row print:relative! print:transform-none! print:break-inside-avoid absolute left-0 cursor-pointer border-line border-b ${card ? ground : ''}`}
      style={{
        height: props.heightPx,
        width: card ? '100%' : layout.totalPx,
        transform: `translateY(${props.topPx}px)`,
      }}
    >
      <div
        role="gridcell"
        aria-colindex={1}
        className={`left-0 z-1 flex min-w-0 items-center gap-2 pr-3 pl-4 group-data-cursor/row:group-focus/grid:shadow-[inset_2px_0_0_var(--accent)] ${card ? '' : `sticky h-full border-line border-r ${ground}`}`}
        style={card ? { height: CARD_TITLE_PX } : { width: layout.widths[0] }}
      >
        {isSelected !== null && (
          <input
            type="checkbox"
            tabIndex={-1}
            aria-label={`Select ${props.name}`}
            checked={isSelected}
            onChange={() => undefined}
            onClick={(event) => props.onToggle(index, event.shiftKey)}
            className="size-3.5 shrink-0 accent-accent"
          />
        )}
        {first.cell(row)}
      </div>
      {card && <CardBody row={row} columns={card.slice(1, 1 + CARD_COLUMNS)} />}
      {(card ? [] : shown).map((column, offset) => (
        <Cell
          key={column.id}
          index={start + offset}
          left={layout.lefts[start + offset] ?? 0}
          width={layout.widths[start + offset] ?? 0}
          className={`${column.align === 'right' ? 'justify-end' : ''} ${ground}`}
        >
          {column.cell(row)}
        </Cell>
      ))}
    </div>
    // biome-ignore-end lint/a11y: see above
  );
}

/** What a card says below its title: two columns in a line, each behind its head. */
function CardBody<T>(props: { readonly row: T; readonly columns: readonly DataColumn<T>[] }) {
  return (
    <div className="grid grid-flow-dense grid-cols-2 gap-x-4 px-4">
      {props.columns.map((column, offset) => (
        // biome-ignore lint/a11y: see Row.
        <div
          key={column.id}
          role="gridcell"
          aria-colindex={offset + 2}
          className={`flex h-[22px] min-w-0 items-center justify-between gap-2 overflow-hidden ${column.align === 'right' ? '' : 'col-span-2'}`}
        >
          <span className="min-w-12 truncate text-label text-muted">{column.head}</span>
          <span
            className={`flex min-w-0 max-w-[70%] justify-end truncate ${column.align === 'right' ? 'shrink-0' : ''}`}
          >
            {column.cell(props.row)}
          </span>
        </div>
      ))}
    </div>
  );
}

function Cell(props: {
  readonly index: number;
  readonly left: number;
  readonly width: number;
  readonly className: string;
  readonly children: ReactNode;
}) {
  return (
    // biome-ignore lint/a11y: see Row.
    <div
      role="gridcell"
      aria-colindex={props.index + 1}
      className={`absolute top-0 flex h-full min-w-0 items-center overflow-hidden px-3 ${props.className}`}
      style={{ left: props.left, width: props.width }}
    >
      {props.children}
    </div>
  );
}

/** One row; drawn again only when it, the columns in sight or its state change. */
export const BodyRow = memo(
  Row,
  (before, after) =>
    before.row === after.row &&
    before.topPx === after.topPx &&
    before.heightPx === after.heightPx &&
    before.shown === after.shown &&
    before.start === after.start &&
    before.card === after.card &&
    before.layout === after.layout &&
    before.first === after.first &&
    before.isCursor === after.isCursor &&
    before.isSelected === after.isSelected,
) as typeof Row;

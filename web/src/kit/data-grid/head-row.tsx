import type { PointerEvent } from 'react';
import type { DataColumn } from './data-grid.tsx';
import type { ColumnLayout } from './layout.ts';

const LEAST_PX = 56;

/** The heads of the columns in sight; they stay at the top. */
export function HeadRow<T>(props: {
  readonly columns: readonly DataColumn<T>[];
  readonly shown: readonly DataColumn<T>[];
  readonly start: number;
  readonly layout: ColumnLayout;
  readonly rowPx: number;
}) {
  const { columns, shown, start, layout, rowPx } = props;
  const [first] = columns;
  return (
    // biome-ignore-start lint/a11y: columns are placed by position, which table elements forbid; the grid has the focus.
    <div role="rowgroup" className="sticky top-0 z-2" style={{ width: layout.totalPx }}>
      <div
        role="row"
        aria-rowindex={1}
        className="relative border-line border-b bg-surface"
        style={{ height: rowPx }}
      >
        {first && (
          <div
            className="sticky left-0 z-1 h-full border-line border-r bg-surface pl-4"
            style={{ width: layout.widths[0] }}
            role="columnheader"
            aria-colindex={1}
            aria-sort={sortOf(first)}
          >
            <Head column={first} width={layout.widths[0] ?? 0} />
          </div>
        )}
        {shown.map((column, offset) => (
          <div
            key={column.id}
            role="columnheader"
            aria-colindex={start + offset + 1}
            aria-sort={sortOf(column)}
            className={`absolute top-0 h-full px-3 ${column.align === 'right' ? 'text-right' : ''}`}
            style={{ left: layout.lefts[start + offset], width: layout.widths[start + offset] }}
          >
            <Head column={column} width={layout.widths[start + offset] ?? 0} />
          </div>
        ))}
      </div>
    </div>
    // biome-ignore-end lint/a11y: see above
  );
}

const sortOf = <T,>(column: DataColumn<T>): 'ascending' | 'descending' | undefined =>
  column.sort?.active === 'asc' ? 'ascending' : column.sort?.active === 'desc' ? 'descending' : undefined;

function Head<T>(props: { readonly column: DataColumn<T>; readonly width: number }) {
  const { column } = props;
  const { sort, note } = column;
  const tip = column.tip ?? (note ? `${column.head}, ${note}` : column.head);
  const text = (
    <>
      <span className="min-w-0 truncate">{column.head}</span>
      {note && <span className="shrink-0 text-faint">{note}</span>}
      {sort?.active && <span aria-hidden>{sort.active === 'asc' ? '↑' : '↓'}</span>}
    </>
  );
  const look = `flex h-full w-full min-w-0 items-center gap-1 text-label text-muted ${column.align === 'right' ? 'justify-end' : ''}`;
  return (
    <>
      {sort ? (
        <button type="button" data-tip={tip} onClick={sort.toggle} className={`${look} hover:text-text`}>
          {text}
        </button>
      ) : (
        <div data-tip={tip} className={look}>
          {text}
        </div>
      )}
      {column.onResize && <Resizer width={props.width} onResize={column.onResize} />}
    </>
  );
}

/** The edge of a head: dragged, it sets the column's width. */
function Resizer(props: { readonly width: number; readonly onResize: (widthPx: number) => void }) {
  const begin = (event: PointerEvent<HTMLSpanElement>): void => {
    event.preventDefault();
    const handle = event.currentTarget;
    const fromX = event.clientX;
    handle.setPointerCapture(event.pointerId);
    const widthAt = (x: number): number => Math.round(Math.max(LEAST_PX, props.width + x - fromX));
    const drag = (moved: globalThis.PointerEvent): void => props.onResize(widthAt(moved.clientX));
    const end = (): void => {
      handle.removeEventListener('pointermove', drag);
      handle.removeEventListener('pointerup', end);
    };
    handle.addEventListener('pointermove', drag);
    handle.addEventListener('pointerup', end);
  };
  return (
    <span
      aria-hidden
      onPointerDown={begin}
      className="absolute inset-y-1 right-0 w-2 cursor-col-resize touch-none border-line border-r hover:border-accent"
    />
  );
}

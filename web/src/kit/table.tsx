import { type ReactNode, useState } from 'react';
import { Button } from './button.tsx';
import { Scroll } from './scroll.tsx';

export type TableColumn<T> = {
  readonly id: string;
  /** Also what names the value where rows are stacked. */
  readonly head: string;
  /** What the head means, on hover. */
  readonly headTip?: string;
  readonly cell: (row: T) => ReactNode;
  readonly tip?: (row: T) => string | undefined;
  /** Numbers stand at the right, which is the default of all columns but the first. */
  readonly align?: 'left';
  readonly muted?: boolean;
  /** Left out where rows are stacked, `roomy`: below 960 px too. A picture of what other columns say. */
  readonly wideOnly?: true | 'roomy';
  readonly className?: string;
};

const HEAD = 'px-2 py-1.5 text-right align-bottom text-label font-normal text-muted first:text-left';
const CELL = 'px-2 py-1.5 text-right first:text-left';
/** So many columns at most stand side by side in half a card. */
const FEW = 6;
const ROOMY = '@max-[60rem]:hidden!';
/** Where there is no room for columns, a row is a card: its first cell, then each value behind the name of its head. */
const STACKED = {
  few: {
    table: '@max-sm:block',
    head: '@max-sm:hidden',
    row: '@max-sm:block @max-sm:py-2 @max-sm:first:border-t',
    cell: '@max-sm:flex @max-sm:justify-between @max-sm:gap-4 @max-sm:px-(--edge) @max-sm:py-0.5 @max-sm:text-right @max-sm:before:shrink-0 @max-sm:before:text-muted @max-sm:before:content-[attr(data-head)] @max-sm:first:pb-1 @max-sm:first:font-strong @max-sm:first:before:content-none',
    left: '@sm:text-left!',
    wideOnly: '@max-sm:hidden!',
    folded: '@max-sm:hidden',
    unfold: '@sm:hidden',
  },
  many: {
    table: '@max-2xl:block',
    head: '@max-2xl:hidden',
    row: '@max-2xl:block @max-2xl:py-2 @max-2xl:first:border-t',
    cell: '@max-2xl:flex @max-2xl:justify-between @max-2xl:gap-4 @max-2xl:px-(--edge) @max-2xl:py-0.5 @max-2xl:text-right @max-2xl:before:shrink-0 @max-2xl:before:text-muted @max-2xl:before:content-[attr(data-head)] @max-2xl:first:pb-1 @max-2xl:first:font-strong @max-2xl:first:before:content-none',
    left: '@2xl:text-left!',
    wideOnly: '@max-2xl:hidden!',
    folded: '@max-2xl:hidden',
    unfold: '@2xl:hidden',
  },
} as const;

/** Cards of more rows than the first are folded until the others are asked for. */
const CARDS = { first: 5, foldedFrom: 8 } as const;

/**
 * A table of few rows, as wide as its card. On a phone each row is a card of its own, so that nothing lies out of
 * sight to the right; of many rows the first few are.
 */
export function Table<T>(props: {
  readonly label: string;
  readonly rows: readonly T[];
  readonly columns: readonly TableColumn<T>[];
  readonly rowKey: (row: T) => string;
  /** The table reaches to the edges of its card. */
  readonly flush?: boolean;
  readonly className?: string;
}) {
  const { label, rows, columns, rowKey, flush = false, className = '' } = props;
  const stacked = STACKED[columns.length <= FEW ? 'few' : 'many'];
  const [unfolded, setUnfolded] = useState(false);
  const cards = unfolded || rows.length < CARDS.foldedFrom ? rows.length : CARDS.first;
  const edge = flush ? 'first:pl-4 last:pr-4' : 'first:pl-0 last:pr-0';
  return (
    <Scroll label={label} className={`@container ${className}`}>
      <table className={`w-full ${stacked.table} ${flush ? '[--edge:--spacing(4)]' : '[--edge:0px]'}`}>
        <thead className={stacked.head}>
          <tr className={`border-line ${flush ? 'border-y' : 'border-b'}`}>
            {columns.map((column) => (
              <th
                key={column.id}
                scope="col"
                data-tip={column.headTip}
                className={`${HEAD} ${edge} ${column.align === 'left' ? 'text-left!' : ''} ${column.wideOnly === 'roomy' ? ROOMY : ''} ${column.className ?? ''}`}
              >
                {column.head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody className={stacked.table}>
          {rows.map((row, index) => (
            <tr
              key={rowKey(row)}
              className={`border-line border-b last:border-b-0 ${stacked.row} ${index < cards ? '' : stacked.folded}`}
            >
              {columns.map((column) => (
                <td
                  key={column.id}
                  data-head={column.head}
                  data-tip={column.tip?.(row)}
                  className={`${CELL} ${edge} ${stacked.cell} whitespace-nowrap ${column.align === 'left' ? stacked.left : ''} ${column.muted ? 'text-muted' : ''} ${column.wideOnly ? stacked.wideOnly : ''} ${column.wideOnly === 'roomy' ? ROOMY : ''}`}
                >
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {cards < rows.length && (
        <div className={`pt-2 ${stacked.unfold}`}>
          <Button onClick={() => setUnfolded(true)}>Show the other {rows.length - cards}</Button>
        </div>
      )}
    </Scroll>
  );
}

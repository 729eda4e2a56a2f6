import { useMemo, useState } from 'react';
import { byName } from '../../../kit/by-name.ts';
import { type DataColumn, DataGrid } from '../../../kit/data-grid/data-grid.tsx';
import { gridHeightPx } from '../../../kit/data-grid/layout.ts';
import { SearchField } from '../../../kit/fields.tsx';
import { formatCount, plural } from '../../../kit/format.ts';
import { placed } from '../../../kit/placed.ts';
import type { TextTable } from './table-text.ts';

type Row = { readonly index: number; readonly cells: readonly string[] };
type Order = { readonly column: number; readonly way: 'asc' | 'desc' };

const isNumber = (text: string): boolean => text !== '' && Number.isFinite(Number(text));

/** A table of texts: rows can be sorted and searched; a chosen row is shown whole below. */
export function RowsView(props: {
  readonly table: TextTable;
  readonly label: string;
  readonly note?: string;
}) {
  const { table, label, note } = props;
  const [query, setQuery] = useState('');
  const [order, setOrder] = useState<Order | null>(null);
  const [open, setOpen] = useState<number | null>(null);
  const rows = useMemo(() => {
    const text = query.toLowerCase();
    const all = table.rows.map((cells, index): Row => ({ index, cells }));
    const found = text
      ? all.filter((row) => row.cells.some((cell) => cell.toLowerCase().includes(text)))
      : all;
    if (!order) return found;
    const sign = order.way === 'asc' ? 1 : -1;
    return found.toSorted((a, b) => {
      const [left, right] = [a.cells[order.column] ?? '', b.cells[order.column] ?? ''];
      const both = isNumber(left) && isNumber(right);
      return sign * (both ? Number(left) - Number(right) : byName(left, right));
    });
  }, [table, query, order]);
  const columns = useMemo(() => columnsOf(table, order, setOrder), [table, order]);
  const shown = open === null ? undefined : table.rows[open];
  return (
    <div className="flex flex-col gap-2">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-1 text-label text-muted">
        <span>
          {note ?? plural(table.rows.length, 'row')}, {plural(table.columns.length, 'column')}
          {query && `, ${formatCount(rows.length)} found`}
        </span>
        <span className="ml-auto">
          <SearchField
            label="Search rows"
            placeholder="search"
            value={query}
            onChange={setQuery}
            className="w-44"
          />
        </span>
      </div>
      <div
        className="flex flex-col overflow-hidden rounded-control border border-line"
        style={{ height: gridHeightPx(rows.length, 520, columns) }}
      >
        <DataGrid
          label={label}
          rows={rows}
          columns={columns}
          rowKey={(row) => String(row.index)}
          onOpen={(row) => setOpen(row.index === open ? null : row.index)}
        />
      </div>
      {shown && (
        <dl className="grid grid-cols-[minmax(80px,max-content)_minmax(0,1fr)] gap-x-4 gap-y-1 rounded-control border border-line p-3">
          {placed(table.columns).map(({ item: column, place }) => (
            <div key={place} className="contents">
              <dt className="text-muted">{column}</dt>
              <dd className="whitespace-pre-wrap break-words">{shown[place]}</dd>
            </div>
          ))}
        </dl>
      )}
    </div>
  );
}

function columnsOf(
  table: TextTable,
  order: Order | null,
  setOrder: (order: Order | null) => void,
): readonly DataColumn<Row>[] {
  const sample = table.rows.slice(0, 200);
  const number: DataColumn<Row> = {
    id: '#',
    head: '#',
    widthPx: 64,
    cell: (row) => <span className="text-faint">{row.index + 1}</span>,
  };
  return [
    number,
    ...table.columns.map((head, column): DataColumn<Row> => {
      const texts = sample.map((cells) => cells[column] ?? '').filter((text) => text !== '');
      const numeric = texts.length > 0 && texts.every(isNumber);
      const longest = Math.max(head.length, ...texts.map((text) => text.length));
      const active = order?.column === column ? order.way : null;
      return {
        id: `${column} ${head}`,
        head: head || `column ${column + 1}`,
        widthPx: Math.min(320, Math.max(72, longest * 7 + 40)),
        ...(numeric ? { align: 'right' as const } : { grows: true }),
        sort: {
          active,
          toggle: () =>
            setOrder(
              active === 'desc' ? { column, way: 'asc' } : active === 'asc' ? null : { column, way: 'desc' },
            ),
        },
        cell: (row) => {
          const text = row.cells[column] ?? '';
          return (
            <span className="min-w-0 truncate" data-tip={text.length > 24 ? text.slice(0, 400) : undefined}>
              {text}
            </span>
          );
        },
      };
    }),
  ];
}

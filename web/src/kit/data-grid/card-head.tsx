import { Select } from '../fields.tsx';
import type { DataColumn } from './data-grid.tsx';

/** Above rows that are cards: by what they are sorted, since no head can be pressed. Nothing where none sorts. */
export function CardHead<T>(props: {
  readonly columns: readonly DataColumn<T>[];
  readonly heightPx: number;
}) {
  const sortable = props.columns.filter((column) => column.sort);
  const active = sortable.find((column) => column.sort?.active);
  if (sortable.length === 0) return null;
  return (
    <div
      className="flex shrink-0 items-center gap-2 border-line border-b bg-surface px-4 text-label text-muted"
      style={{ height: props.heightPx }}
    >
      Sorted by
      <Select
        label="Sorted by"
        value={active?.id ?? ''}
        all="as they come"
        options={sortable.map((column) => [
          column.id,
          column.note ? `${column.head}, ${column.note}` : column.head,
        ])}
        onChange={(id) => (sortable.find((column) => column.id === id) ?? active)?.sort?.toggle()}
      />
      {active && (
        <button type="button" onClick={active.sort?.toggle} className="text-accent">
          {active.sort?.active === 'asc' ? 'least first ↑' : 'most first ↓'}
        </button>
      )}
    </div>
  );
}

import { useMemo, useState } from 'react';
import type { Run } from '../../../../../src/lifecycle/experiments/contract.ts';
import { type DataColumn, DataGrid } from '../../../kit/data-grid/data-grid.tsx';
import { gridHeightPx } from '../../../kit/data-grid/layout.ts';
import { EmptyLine } from '../../../kit/empty.tsx';
import { SearchField } from '../../../kit/fields.tsx';
import { plural } from '../../../kit/format.ts';
import { Card } from '../../../kit/panel.tsx';
import type { CompareSearch } from '../search.ts';
import type { SetCompare } from './compare-screen.tsx';
import { type KeyRow, keyRows } from './differences.ts';
import { CellText, runColumns } from './run-columns.tsx';

/** Params and tags side by side; what is the same in all runs is left out at first. */
export function ParamsView(props: {
  readonly runs: readonly Run[];
  readonly search: CompareSearch;
  readonly set: SetCompare;
}) {
  const { runs, search, set } = props;
  const all = search.all === 'yes';
  const [query, setQuery] = useState('');
  const every = useMemo(() => keyRows(runs, true), [runs]);
  const differing = every.filter((row) => row.distinct > 1).length;
  const rows = useMemo(() => {
    const text = query.toLowerCase();
    return every.filter((row) => (all || row.distinct > 1) && row.key.toLowerCase().includes(text));
  }, [every, all, query]);
  const columns = useMemo(
    () => [
      FIRST,
      ...runColumns<KeyRow>(runs, (row, index) => (
        <CellText
          value={row.values[index]}
          strong={row.distinct > 1 && (!row.hasUsual || row.values[index] !== row.usual)}
        />
      )),
    ],
    [runs],
  );
  return (
    <Card
      title={`${plural(differing, 'key')} differ`.replace('1 key differ', '1 key differs')}
      note={`${every.length - differing} the same in all`}
      flush
      className="overflow-hidden"
      actions={
        <>
          <label className="inline-flex items-center gap-2 whitespace-nowrap">
            <input
              type="checkbox"
              checked={!all}
              onChange={(event) => set({ all: event.target.checked ? undefined : 'yes' })}
              className="size-3.5 accent-accent"
            />
            Only differing
          </label>
          <SearchField
            label="Search keys"
            placeholder="search"
            value={query}
            onChange={setQuery}
            className="w-40"
          />
        </>
      }
    >
      {rows.length === 0 ? (
        <div className="px-4 pb-3">
          <EmptyLine>
            {every.length === 0
              ? 'These runs have neither params nor tags.'
              : query
                ? 'No key holds this text.'
                : 'They are the same in every param and tag.'}
          </EmptyLine>
        </div>
      ) : (
        <div
          className="flex flex-col border-line border-t"
          style={{ height: gridHeightPx(rows.length, 640, columns) }}
        >
          <DataGrid
            label="Params and tags"
            rows={rows}
            columns={columns}
            rowKey={(row) => `${row.kind} ${row.key}`}
            onOpen={() => undefined}
          />
        </div>
      )}
    </Card>
  );
}

const FIRST: DataColumn<KeyRow> = {
  id: 'key',
  head: 'Key',
  widthPx: innerWidth < 640 ? 140 : 220,
  cell: (row) => (
    <span className="flex min-w-0 items-baseline gap-2">
      <span className="min-w-0 truncate" data-tip={row.key.length > 20 ? row.key : undefined}>
        {row.key}
      </span>
      {row.kind === 'tag' && <span className="shrink-0 text-faint text-label">tag</span>}
    </span>
  ),
};

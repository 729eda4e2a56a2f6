import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { ArtifactRows } from '../../../../../src/lifecycle/experiments/contract.ts';
import { ownerRowsQuery } from '../../../api/tracking.ts';
import { formatCount, plural } from '../../../kit/format.ts';
import { QueryView } from '../../../kit/panel.tsx';
import { type FileOwner, fileName, ownerPath } from './files.ts';
import { RowsView } from './rows-view.tsx';

/** The first rows of a Parquet file, which the server reads. */
export function ParquetPreview(props: { readonly owner: FileOwner; readonly path: string }) {
  const rows = useQuery(ownerRowsQuery(ownerPath(props.owner), props.path));
  return (
    <QueryView query={rows} rows={8}>
      {(data) => <Rows data={data} name={fileName(props.path)} />}
    </QueryView>
  );
}

function Rows(props: { readonly data: ArtifactRows; readonly name: string }) {
  const { data, name } = props;
  const table = useMemo(
    () => ({
      columns: data.columns.map((column) => column.name),
      rows: data.rows.map((row) => row.map((value) => value ?? '')),
    }),
    [data],
  );
  const isCut = data.rows.length < data.totalRows;
  return (
    <div className="flex flex-col gap-3">
      <RowsView
        table={table}
        label={`Table ${name}`}
        {...(isCut
          ? { note: `The first ${formatCount(data.rows.length)} of ${plural(data.totalRows, 'row')}` }
          : {})}
      />
      <details>
        <summary className="text-accent text-label">
          types of the {plural(data.totalColumns, 'column')}
          {data.columns.length < data.totalColumns && `, the first ${formatCount(data.columns.length)} shown`}
        </summary>
        <dl className="grid grid-cols-[minmax(80px,max-content)_minmax(0,1fr)] gap-x-4 gap-y-1 pt-2">
          {data.columns.map((column) => (
            <div key={column.name} className="contents">
              <dt className="break-words text-muted">{column.name}</dt>
              <dd className="break-words font-mono text-label">{column.type.toLowerCase()}</dd>
            </div>
          ))}
        </dl>
      </details>
    </div>
  );
}

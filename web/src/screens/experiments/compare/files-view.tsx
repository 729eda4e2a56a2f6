import { useQueries } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import type { ArtifactEntry, Run } from '../../../../../src/lifecycle/experiments/contract.ts';
import { ownerFilesQuery } from '../../../api/tracking.ts';
import { byName } from '../../../kit/by-name.ts';
import { type DataColumn, DataGrid } from '../../../kit/data-grid/data-grid.tsx';
import { gridHeightPx } from '../../../kit/data-grid/layout.ts';
import { EmptyLine } from '../../../kit/empty.tsx';
import { formatBytes, plural } from '../../../kit/format.ts';
import { Card, Skeleton } from '../../../kit/panel.tsx';
import { useStable } from '../../../kit/use-stable.ts';
import { runColumns } from './run-columns.tsx';

const MOST_RUNS = 24;

type Row = {
  readonly path: string;
  readonly isDirectory: boolean;
  readonly entries: readonly (ArtifactEntry | undefined)[];
  /** Whether the files there are have one content. */
  readonly isSame: boolean;
};

/** Which files the runs have, and whether their contents are the same by digest. */
export function FilesView(props: { readonly runs: readonly Run[] }) {
  const runs = props.runs.slice(0, MOST_RUNS);
  const [folder, setFolder] = useState('');
  const answers = useQueries({
    queries: runs.map((run) => ({
      ...ownerFilesQuery(`/runs/${encodeURIComponent(run.id)}`, folder),
      retry: false,
    })),
  });
  const done = answers.every((answer) => answer.isFetched);
  const listings = useStable(answers.map((answer) => answer.data));
  const rows = useMemo(() => rowsOf(listings.map((listing) => listing?.items ?? [])), [listings]);
  const columns: readonly DataColumn<Row>[] = useMemo(
    () => [
      {
        id: 'path',
        head: 'File',
        widthPx: 240,
        cell: (row) => (
          <span className="min-w-0 truncate" data-tip={row.path}>
            {row.path.slice(folder === '' ? 0 : folder.length + 1)}
            {row.isDirectory && '/'}
          </span>
        ),
      },
      ...runColumns<Row>(
        runs,
        (row, index) => {
          const entry = row.entries[index];
          const run = runs[index];
          if (!entry || !run) return <span className="text-faint">–</span>;
          if (entry.isDirectory) return <span className="text-muted">folder</span>;
          return (
            <Link
              to="/runs/$runId"
              params={{ runId: run.id }}
              search={{ tab: 'files', path: entry.path }}
              tabIndex={-1}
              className={row.isSame ? 'text-muted' : 'text-text'}
              data-tip={entry.digest ?? undefined}
            >
              {formatBytes(entry.sizeBytes)}
              {row.isSame ? '' : ' ≠'}
            </Link>
          );
        },
        'right',
      ),
    ],
    [runs, folder],
  );
  const parent = folder.slice(0, Math.max(0, folder.lastIndexOf('/')));
  return (
    <Card
      title={folder === '' ? 'Files' : folder}
      note={
        props.runs.length > MOST_RUNS
          ? `the first ${MOST_RUNS} of ${plural(props.runs.length, 'run')}`
          : '≠ marks contents that differ'
      }
      actions={
        folder !== '' && (
          <button type="button" className="text-accent" onClick={() => setFolder(parent)}>
            one folder up
          </button>
        )
      }
      flush
      className="overflow-hidden"
    >
      {!done && rows.length === 0 ? (
        <div className="p-4">
          <Skeleton />
        </div>
      ) : rows.length === 0 ? (
        <div className="px-4 pb-3">
          <EmptyLine>None of these runs logged a file.</EmptyLine>
        </div>
      ) : (
        <div
          className="flex flex-col border-line border-t"
          style={{ height: gridHeightPx(rows.length, 640, columns) }}
        >
          <DataGrid
            label="Files"
            rows={rows}
            columns={columns}
            rowKey={(row) => row.path}
            onOpen={(row) => row.isDirectory && setFolder(row.path)}
          />
        </div>
      )}
    </Card>
  );
}

function rowsOf(lists: readonly (readonly ArtifactEntry[])[]): readonly Row[] {
  const byPath = new Map<string, (ArtifactEntry | undefined)[]>();
  lists.forEach((list, index) => {
    for (const entry of list) {
      const entries = byPath.get(entry.path) ?? Array.from({ length: lists.length });
      entries[index] = entry;
      byPath.set(entry.path, entries);
    }
  });
  return [...byPath]
    .map(([path, entries]) => {
      const digests = new Set(entries.flatMap((entry) => entry?.digest ?? []));
      const isDirectory = entries.some((entry) => entry?.isDirectory);
      return { path, entries, isDirectory, isSame: !isDirectory && digests.size <= 1 };
    })
    .toSorted((a, b) => Number(b.isDirectory) - Number(a.isDirectory) || byName(a.path, b.path));
}

import { useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useCallback } from 'react';
import type { DatasetVersionSummary } from '../../../../src/lifecycle/data/contract.ts';
import { datasetsQuery, datasetVersionsQuery } from '../../api/queries.ts';
import { Empty } from '../../kit/empty.tsx';
import { formatBytes, formatCount, formatDay, plural, shortId } from '../../kit/format.ts';
import { Grid, type GridColumn } from '../../kit/grid.tsx';
import { Page, PageHead } from '../../kit/page.tsx';
import { QueryCard, QueryView } from '../../kit/panel.tsx';
import { Id } from '../../kit/snippet.tsx';
import { Ago, EventTimeMark } from '../../kit/time.tsx';
import { DatasetPanel } from './dataset-panel.tsx';

const route = getRouteApi('/datasets');

/** Every dataset and its versions; a version opens beside the list. */
export function DatasetsScreen() {
  const { version } = route.useSearch();
  const navigate = useNavigate({ from: '/datasets' });
  const datasets = useQuery(datasetsQuery());
  const close = useCallback(() => void navigate({ search: {} }), [navigate]);
  return (
    <Page>
      <PageHead
        title="Datasets"
        sentence="Every version is kept as it was registered; the same content is always the same version."
      />
      <QueryView
        query={datasets}
        rows={6}
        isEmpty={(page) => page.items.length === 0}
        empty={
          <Empty
            title="No dataset yet"
            type={`curl -X POST ${location.origin}/api/v1/dataset-versions \\\n  -H 'content-type: application/json' \\\n  -d '{"dataset":"flights","source":{"path":"flights.parquet"},"time":"date","label":"late"}'`}
          >
            A loop registers what its file names. By hand, from a CSV or Parquet file that the server can
            read:
          </Empty>
        }
      >
        {(page) =>
          page.items.map((dataset) => (
            <DatasetCard key={dataset.name} name={dataset.name} count={dataset.versions} open={version} />
          ))
        }
      </QueryView>
      {version && <DatasetPanel id={version} onClose={close} />}
    </Page>
  );
}

function DatasetCard(props: {
  readonly name: string;
  readonly count: number;
  readonly open: string | undefined;
}) {
  const versions = useQuery(datasetVersionsQuery(props.name));
  const navigate = useNavigate({ from: '/datasets' });
  return (
    <QueryCard
      title={props.name}
      note={plural(props.count, 'version')}
      query={versions}
      flush
      className="overflow-clip"
    >
      {(page) => (
        <Grid
          label={`Versions of ${props.name}`}
          rows={page.items}
          columns={COLUMNS}
          rowKey={(each) => each.id}
          openKey={props.open ?? null}
          onOpen={(each) => void navigate({ search: { version: each.id } })}
        />
      )}
    </QueryCard>
  );
}

/** Where the rows came from. What was derived here is known by its own digest, which stands beside it. */
const sourceText = (each: DatasetVersionSummary): string =>
  each.source === each.digest ? 'made here' : each.source;

const COLUMNS: readonly GridColumn<DatasetVersionSummary>[] = [
  {
    id: 'version',
    head: 'Version',
    width: '56px',
    cell: (each) => <span className="font-strong">v{each.version}</span>,
  },
  { id: 'rows', head: 'Rows', width: '76px', align: 'right', cell: (each) => formatCount(each.rows) },
  {
    id: 'columns',
    head: 'Columns',
    width: '80px',
    align: 'right',
    wideOnly: true,
    cell: (each) => each.columns.length,
  },
  {
    id: 'range',
    head: (
      <span className="inline-flex items-center gap-1">
        Covers <EventTimeMark />
      </span>
    ),
    width: 'minmax(152px, 1fr)',
    cell: (each) =>
      each.timeRange ? (
        `${formatDay(Date.parse(each.timeRange.min))} to ${formatDay(Date.parse(each.timeRange.max), 0)}`
      ) : (
        <span className="text-faint">no time column</span>
      ),
  },
  {
    id: 'source',
    head: 'From',
    width: 'minmax(140px, 1.5fr)',
    wideOnly: true,
    cell: (each) => <span className="text-muted">{sourceText(each)}</span>,
  },
  {
    id: 'size',
    head: 'Size',
    width: '90px',
    align: 'right',
    wideOnly: true,
    cell: (each) => <span className="text-muted">{formatBytes(each.sizeBytes)}</span>,
  },
  {
    id: 'digest',
    head: 'Digest',
    width: '100px',
    wideOnly: true,
    cell: (each) => <Id id={each.digest} text={shortId(each.digest)} />,
  },
  {
    id: 'registered',
    head: 'Registered',
    width: '90px',
    align: 'right',
    wideOnly: true,
    cell: (each) => <Ago at={each.registeredAt} className="text-muted" />,
  },
];

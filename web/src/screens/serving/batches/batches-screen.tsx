import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useCallback } from 'react';
import type { BatchPrediction } from '../../../../../src/lifecycle/serving/batch/contract.ts';
import { batchesQuery, endpointsQuery } from '../../../api/queries.ts';
import { Empty } from '../../../kit/empty.tsx';
import { formatCount, plural } from '../../../kit/format.ts';
import { Grid, type GridColumn } from '../../../kit/grid.tsx';
import { Page, PageHead } from '../../../kit/page.tsx';
import { Card, QueryView } from '../../../kit/panel.tsx';
import { StateLabel } from '../../../kit/state-mark.tsx';
import { Ago } from '../../../kit/time.tsx';
import { useRows } from '../../../kit/use-rows.ts';
import { BatchPanel, ProgressBar } from './batch-panel.tsx';
import { BATCH_STATE, isOpen, progressText } from './batch-text.ts';
import { BeginBatch } from './begin-batch.tsx';

const route = getRouteApi('/batches');
const POLL_MS = 2000;

/** Which files were scored, by what, and how far are the others? */
export function BatchesScreen() {
  const { batch } = route.useSearch();
  const navigate = useNavigate({ from: '/batches' });
  const batches = useInfiniteQuery({
    ...batchesQuery(),
    refetchInterval: ({ state }) =>
      state.data?.pages.some((page) => page.items.some(isOpen)) ? POLL_MS : false,
  });
  const { rows, more } = useRows(batches);
  const open = useCallback((id: string) => void navigate({ search: { batch: id } }), [navigate]);
  const close = useCallback(() => void navigate({ search: {} }), [navigate]);
  const running = rows.filter(isOpen).length;
  return (
    <Page full>
      <PageHead
        title="Batches"
        sentence={
          running > 0
            ? `${plural(running, 'batch', 'batches')} under way.`
            : 'Every row of a file, a dataset or a log, scored by the same model and the same checks as a request.'
        }
        actions={<BeginBatch onBegun={open} />}
      />
      <QueryView query={batches} rows={8} isEmpty={() => rows.length === 0} empty={<NoBatch />}>
        {() => (
          <Card flush>
            <Grid
              label="Batches"
              rows={rows}
              columns={COLUMNS}
              rowKey={(row) => row.id}
              openKey={batch ?? null}
              onOpen={(row) => open(row.id)}
              onEnd={more}
              narrowNote={(row) => row.error?.message ?? progressText(row)}
              footer={batches.hasNextPage ? 'Newest first; scroll for more' : `All ${rows.length} shown`}
            />
          </Card>
        )}
      </QueryView>
      {batch && <BatchPanel id={batch} onClose={close} onOpen={open} />}
    </Page>
  );
}

function NoBatch() {
  const endpoints = useQuery(endpointsQuery());
  const served = endpoints.data?.items.find((each) => each.arms.length > 0);
  return (
    <Empty
      title="No batch yet"
      type={`millrace predict ${served?.name ?? 'churn'} rows.parquet \\\n  --out predictions.parquet --url ${location.origin}`}
    >
      A batch writes one row of output for each row of input, in its order; a bad row has its error and
      disturbs no other. Begin one here, or from a terminal:
    </Empty>
  );
}

const COLUMNS: readonly GridColumn<BatchPrediction>[] = [
  {
    id: 'state',
    head: 'State',
    width: 'minmax(92px, 110px)',
    cell: (batch) => <StateLabel state={BATCH_STATE[batch.status]}>{batch.status}</StateLabel>,
  },
  {
    id: 'source',
    head: 'Rows of',
    width: 'minmax(100px, 2fr)',
    cell: (batch) => (
      <span data-tip={batch.source.name}>
        {batch.source.kind === 'dataset' && <span className="text-muted">dataset </span>}
        {batch.source.name}
      </span>
    ),
  },
  {
    id: 'by',
    head: 'Scored by',
    width: 'minmax(110px, 1fr)',
    wideOnly: true,
    cell: (batch) => (
      <>
        {batch.model} v{batch.modelVersion}
      </>
    ),
  },
  {
    id: 'progress',
    head: 'Progress',
    width: 'minmax(64px, 1fr)',
    cell: (batch) => <ProgressBar batch={batch} />,
  },
  {
    id: 'rows',
    head: 'Rows',
    width: 'minmax(220px, 2fr)',
    wideOnly: true,
    cell: (batch) => (
      <span className="text-muted" data-tip={progressText(batch)}>
        {progressText(batch)}
      </span>
    ),
  },
  {
    id: 'failed',
    head: 'Rows with errors',
    width: '110px',
    align: 'right',
    wideOnly: true,
    cell: (batch) =>
      batch.progress.failedRows === 0 ? (
        <span className="text-faint">0</span>
      ) : (
        formatCount(batch.progress.failedRows)
      ),
  },
  {
    id: 'format',
    head: 'Output',
    width: '72px',
    wideOnly: true,
    cell: (batch) => <span className="text-muted">{batch.format}</span>,
  },
  {
    id: 'at',
    head: 'Asked',
    width: '84px',
    align: 'right',
    wideOnly: true,
    cell: (batch) => <Ago at={batch.createdAt} className="text-muted" />,
  },
];

import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useCallback } from 'react';
import type { StepRun } from '../../../../src/lifecycle/pipelines/contract.ts';
import { stepRunsQuery } from '../../api/queries.ts';
import { Button } from '../../kit/button.tsx';
import { Empty } from '../../kit/empty.tsx';
import { SearchField, Select } from '../../kit/fields.tsx';
import { formatDuration, plural } from '../../kit/format.ts';
import { Grid, type GridColumn } from '../../kit/grid.tsx';
import { Page, PageHead } from '../../kit/page.tsx';
import { Card, QueryView } from '../../kit/panel.tsx';
import { NewsNote, useReading } from '../../kit/reading.tsx';
import { compact } from '../../kit/search-params.ts';
import { StateLabel } from '../../kit/state-mark.tsx';
import { StepPanel } from '../../kit/step-panel.tsx';
import { stateOfStep, stepKinds, stepSays, stepWord } from '../../kit/step-text.ts';
import { Ago } from '../../kit/time.tsx';
import { useRows } from '../../kit/use-rows.ts';
import { STEP_STATUSES, type StepsSearch } from './search.ts';

const route = getRouteApi('/steps');
/** What ran, what is stuck, and why? */
export function StepsScreen() {
  const search = route.useSearch();
  const navigate = useNavigate({ from: '/steps' });
  const { step, ...filters } = search;
  const { reading, news } = useReading('step-runs');
  const steps = useInfiniteQuery({ ...stepRunsQuery({ ...filters, limit: 100 }), enabled: !reading });
  const { rows, more } = useRows(steps);
  const set = useCallback(
    (change: { readonly [K in keyof StepsSearch]?: StepsSearch[K] | undefined }) =>
      void navigate({
        search: (old) => compact({ ...old, ...change }),
        replace: !('step' in change),
      }),
    [navigate],
  );
  const close = useCallback(() => set({ step: undefined }), [set]);
  const setSubject = useCallback((subject: string) => set({ subject: subject || undefined }), [set]);
  // What a newer server runs is offered too, once it is seen.
  const kinds = [
    ...new Set([...stepKinds, ...(search.kind ? [search.kind] : []), ...rows.map((row) => row.kind)]),
  ];
  const failed = rows.filter((row) => row.status === 'failed').length;
  const running = rows.filter((row) => row.status === 'running').length;
  return (
    <Page full>
      <PageHead
        title="Steps"
        sentence={
          rows.length > 0 &&
          `${running > 0 ? `${plural(running, 'step')} running now. ` : 'Nothing runs now. '}${failed > 0 ? `${failed} of the last ${rows.length} failed.` : ''}`
        }
        actions={
          <>
            <Select
              label="Kind"
              value={search.kind ?? ''}
              all="All kinds"
              options={kinds.map((kind) => [kind, stepWord(kind)] as const)}
              onChange={(kind) => set({ kind })}
            />
            <Select
              label="State"
              value={search.status ?? ''}
              all="Any state"
              options={STEP_STATUSES.map((status) => [status, status] as const)}
              onChange={(status) => set({ status })}
            />
            <SearchField
              label="Subject"
              placeholder="Subject, e.g. flight-delay/3"
              value={search.subject ?? ''}
              onChange={setSubject}
            />
          </>
        }
      />
      <QueryView
        query={steps}
        rows={8}
        isEmpty={() => rows.length === 0}
        empty={
          Object.keys(filters).length > 0 ? (
            <Empty title="No step fits these filters">
              <Button onClick={() => void navigate({ search: {} })}>Show all steps</Button>
            </Empty>
          ) : (
            <Empty title="Nothing has run yet" type={`millrace apply loop.yaml --url ${location.origin}`}>
              Training, evaluation, label joins and monitoring run as steps; each keeps its inputs, outputs
              and log.
            </Empty>
          )
        }
      >
        {() => (
          <Card flush>
            <NewsNote news={news} />
            <Grid
              label="Steps"
              rows={rows}
              columns={COLUMNS}
              rowKey={(row) => row.id}
              openKey={step ?? null}
              onOpen={(row) => set({ step: row.id })}
              onEnd={more}
              footer={steps.hasNextPage ? 'Newest first; scroll for more' : `All ${rows.length} shown`}
            />
          </Card>
        )}
      </QueryView>
      {step && <StepPanel id={step} onClose={close} />}
    </Page>
  );
}

const COLUMNS: readonly GridColumn<StepRun>[] = [
  {
    id: 'kind',
    head: 'Step',
    width: 'minmax(112px, 1fr)',
    cell: (row) => <StateLabel state={stateOfStep(row.status)}>{stepWord(row.kind)}</StateLabel>,
  },
  { id: 'subject', head: 'For', width: 'minmax(88px, 1fr)', cell: (row) => row.subject },
  {
    id: 'status',
    head: 'State',
    width: '100px',
    wideOnly: true,
    cell: (row) => <span className="text-muted">{row.status}</span>,
  },
  {
    id: 'error',
    head: 'What it says',
    width: 'minmax(180px, 3fr)',
    wideOnly: true,
    cell: (row) => <span className="text-muted">{stepSays(row)}</span>,
  },
  {
    id: 'place',
    head: 'Where',
    width: '80px',
    wideOnly: true,
    cell: (row) => <span className="text-muted">{row.place}</span>,
  },
  {
    id: 'duration',
    head: 'Took',
    width: '100px',
    align: 'right',
    wideOnly: true,
    cell: (row) => <span className="text-muted">{formatDuration(row.durationMs)}</span>,
  },
  {
    id: 'created',
    head: 'Queued',
    width: '80px',
    align: 'right',
    cell: (row) => <Ago at={row.createdAt} className="text-muted" />,
  },
];

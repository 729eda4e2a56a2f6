import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useCallback, useMemo } from 'react';
import type { Prediction } from '../../../../src/lifecycle/feedback/contract.ts';
import { endpointsQuery, feedbackQuery, labelDelaysQuery, predictionsQuery } from '../../api/queries.ts';
import { Button } from '../../kit/button.tsx';
import { Empty } from '../../kit/empty.tsx';
import { SearchField, Select } from '../../kit/fields.tsx';
import { formatCount, formatDuration } from '../../kit/format.ts';
import { Grid, type GridColumn } from '../../kit/grid.tsx';
import { ArmSwatch } from '../../kit/identity.tsx';
import { Page, PageHead } from '../../kit/page.tsx';
import { Card, QueryView } from '../../kit/panel.tsx';
import { NewsNote, useReading } from '../../kit/reading.tsx';
import { StateLabel } from '../../kit/state-mark.tsx';
import { EventTime, EventTimeMark } from '../../kit/time.tsx';
import { PredictionPanel } from './prediction-panel.tsx';
import { ARMS, OUTCOMES, type PredictionsSearch } from './search.ts';

const route = getRouteApi('/predictions');

/** What did we answer, to whom, and was it right? */
export function PredictionsScreen() {
  const search = route.useSearch();
  const navigate = useNavigate({ from: '/predictions' });
  const endpoints = useQuery(endpointsQuery());
  const names = (endpoints.data?.items ?? []).map((each) => each.name);
  const endpoint = search.endpoint ?? names[0];
  const set = useCallback(
    (change: { readonly [K in keyof PredictionsSearch]?: PredictionsSearch[K] | undefined }) =>
      void navigate({ search: (old) => clean({ ...old, ...change }), replace: !('id' in change) }),
    [navigate],
  );
  const close = useCallback(() => set({ id: undefined }), [set]);
  const setMinScore = useCallback(
    (least: string) => set({ minScore: Number.isFinite(Number(least)) && least !== '' ? least : undefined }),
    [set],
  );
  const setEntity = useCallback((entity: string) => set({ entity: entity || undefined }), [set]);
  return (
    <Page full>
      <PageHead
        title="Predictions"
        sentence={endpoint && <Counts endpoint={endpoint} />}
        actions={
          endpoint && (
            <>
              {names.length > 1 && (
                <Select
                  label="Endpoint"
                  value={endpoint}
                  options={names.map((name) => [name, name] as const)}
                  onChange={(value) => set({ endpoint: value, id: undefined })}
                />
              )}
              <Select
                label="Arm"
                value={search.arm ?? ''}
                all="Heard answers"
                options={ARMS.map((arm) => [arm, arm] as const)}
                onChange={(arm) => set({ arm })}
              />
              <Select
                label="Status"
                value={search.status ?? ''}
                all="Any status"
                options={[
                  ['ok', 'answered'],
                  ['failed', 'with an error'],
                ]}
                onChange={(status) => set({ status })}
              />
              <Select
                label="Label"
                value={search.labelled ?? ''}
                all="Labelled or not"
                options={[
                  ['true', 'labelled'],
                  ['false', 'waiting for a label'],
                ]}
                onChange={(labelled) => set({ labelled })}
              />
              <Select
                label="Outcome"
                value={search.outcome ?? ''}
                all="Right or wrong"
                options={OUTCOMES.map(
                  (outcome) => [outcome, outcome === 'correct' ? 'right' : 'wrong'] as const,
                )}
                onChange={(outcome) => set({ outcome })}
              />
              <SearchField
                label="Least score"
                placeholder="Score from"
                value={search.minScore ?? ''}
                onChange={setMinScore}
                className="w-28"
              />
              <SearchField
                label="Entity"
                placeholder="Entity"
                value={search.entity ?? ''}
                onChange={setEntity}
                className="w-44"
              />
            </>
          )
        }
      />
      <QueryView
        query={endpoints}
        rows={8}
        isEmpty={(page) => page.items.length === 0 && search.endpoint === undefined}
        empty={
          <Empty title="No prediction yet" type={`bin/millrace apply loop.yaml --url ${location.origin}`}>
            Every answer of every endpoint is listed here, with its label once it comes. There is no endpoint
            yet; a loop makes one.
          </Empty>
        }
      >
        {() => endpoint && <PredictionGrid endpoint={endpoint} search={search} set={set} />}
      </QueryView>
      {search.id && endpoint && <PredictionPanel endpoint={endpoint} id={search.id} onClose={close} />}
    </Page>
  );
}

const clean = <T extends object>(search: T): PredictionsSearch =>
  Object.fromEntries(Object.entries(search).filter(([, value]) => value !== undefined)) as PredictionsSearch;

function Counts(props: { readonly endpoint: string }) {
  const feedback = useQuery(feedbackQuery(props.endpoint));
  const delays = useQuery(labelDelaysQuery(props.endpoint));
  const delayMs = delays.data?.total.delayMs;
  if (!feedback.data) return null;
  const { total } = feedback.data;
  return (
    <>
      {formatCount(total.predictions)} answered; {formatCount(total.joined)} have their label,{' '}
      {formatCount(total.waiting)} wait for it
      {total.failed > 0 && `; ${formatCount(total.failed)} with an error`}
      {total.orphans > 0 && `; ${formatCount(total.orphans)} labels fit no prediction`}.
      {delayMs &&
        ` Half of the labels are known within ${formatDuration(delayMs.p50)}, 95 % within ${formatDuration(delayMs.p95)}.`}
    </>
  );
}

function PredictionGrid(props: {
  readonly endpoint: string;
  readonly search: PredictionsSearch;
  readonly set: (change: { readonly id: string }) => void;
}) {
  const { endpoint, search, set } = props;
  const { id, version, ...filters } = search;
  const filtered = Object.keys(filters).some((key) => key !== 'endpoint') || version !== undefined;
  const { reading, news } = useReading('predictions');
  const predictions = useInfiniteQuery({
    ...predictionsQuery({ ...filters, endpoint, modelVersion: version, limit: 100 }),
    enabled: !reading,
  });
  const rows = useMemo(() => predictions.data?.pages.flatMap((page) => page.items) ?? [], [predictions.data]);
  const more = useCallback(() => {
    if (predictions.hasNextPage && !predictions.isFetchingNextPage) void predictions.fetchNextPage();
  }, [predictions]);
  const navigate = useNavigate({ from: '/predictions' });
  return (
    <QueryView
      query={predictions}
      rows={10}
      isEmpty={() => rows.length === 0}
      empty={
        filtered ? (
          <Empty title="No prediction fits these filters">
            <Button onClick={() => void navigate({ search: { endpoint } })}>Show all predictions</Button>
          </Empty>
        ) : (
          <Empty title={`${endpoint} has not been asked yet`}>
            Its answers appear here some seconds after they are given. How to ask it stands on its deployment
            screen.
          </Empty>
        )
      }
    >
      {() => (
        <Card flush>
          <NewsNote news={news} />
          <Grid
            label="Predictions"
            rows={rows}
            columns={COLUMNS}
            rowKey={(row) => `${row.predictionId} ${row.arm}`}
            openKey={
              rows.find((row) => row.predictionId === id)?.predictionId
                ? `${id} ${rows.find((row) => row.predictionId === id)?.arm}`
                : null
            }
            onOpen={(row) => set({ id: row.predictionId })}
            onEnd={more}
            footer={
              predictions.isFetchingNextPage
                ? 'Loading more'
                : predictions.hasNextPage
                  ? 'Newest first; scroll for more'
                  : `All ${formatCount(rows.length)} shown`
            }
          />
        </Card>
      )}
    </QueryView>
  );
}

function ScoreBar(props: { readonly score: number | null }) {
  if (props.score === null) return <span className="text-faint">–</span>;
  return (
    <span className="flex items-center gap-2">
      <span className="h-1.5 min-w-0 max-w-20 flex-1 overflow-hidden rounded-full bg-sunken">
        <span
          className="block h-full bg-champion opacity-70"
          style={{ width: `${Math.min(100, Math.max(0, props.score * 100))}%` }}
        />
      </span>
      {props.score.toFixed(3)}
    </span>
  );
}

const COLUMNS: readonly GridColumn<Prediction>[] = [
  {
    id: 'time',
    head: (
      <span className="inline-flex items-center gap-1">
        Event time <EventTimeMark />
      </span>
    ),
    width: 'minmax(132px, 150px)',
    cell: (row) => <EventTime at={row.eventTime} precise />,
  },
  {
    id: 'entity',
    wideOnly: true,
    head: 'Entity',
    width: 'minmax(90px, 0.7fr)',
    cell: (row) => row.entity ?? <span className="text-faint">none</span>,
  },
  { id: 'score', head: 'Score', width: 'minmax(84px, 150px)', cell: (row) => <ScoreBar score={row.score} /> },
  {
    id: 'label',
    head: 'Label',
    width: '60px',
    cell: (row) => (row.label ? String(row.label.value) : <span className="text-faint">waiting</span>),
  },
  {
    id: 'outcome',
    head: 'Outcome',
    width: '100px',
    wideOnly: true,
    cell: (row) =>
      row.outcome === null ? (
        <span className="text-faint">–</span>
      ) : (
        <span className={row.outcome === 'correct' ? '' : 'text-muted'}>
          {row.outcome === 'correct' ? '✓ right' : '✕ wrong'}
        </span>
      ),
  },
  {
    id: 'version',
    head: 'Answered by',
    width: '150px',
    wideOnly: true,
    cell: (row) => (
      <span className="inline-flex items-center gap-2">
        <ArmSwatch arm={row.arm} /> v{row.modelVersion} <span className="text-muted">{row.arm}</span>
      </span>
    ),
  },
  {
    id: 'status',
    head: 'Status',
    width: 'minmax(90px, 1fr)',
    wideOnly: true,
    cell: (row) =>
      row.status === 'ok' ? (
        <span className="text-muted">ok</span>
      ) : (
        <StateLabel state="bad">{row.error ?? row.status}</StateLabel>
      ),
  },
  {
    id: 'latency',
    head: 'Latency',
    width: '90px',
    align: 'right',
    wideOnly: true,
    cell: (row) => <span className="text-muted">{row.latencyMs.toFixed(2)} ms</span>,
  },
  {
    id: 'id',
    head: 'Prediction id',
    width: 'minmax(120px, 1fr)',
    wideOnly: true,
    cell: (row) => <span className="font-mono text-label text-muted">{row.predictionId}</span>,
  },
];

import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useCallback, useMemo } from 'react';
import type { Run } from '../../../../src/lifecycle/experiments/contract.ts';
import { experimentsQuery, runsQuery } from '../../api/queries.ts';
import { Button } from '../../kit/button.tsx';
import { Empty } from '../../kit/empty.tsx';
import { SearchField, Select } from '../../kit/fields.tsx';
import { formatDuration } from '../../kit/format.ts';
import { Grid, type GridColumn } from '../../kit/grid.tsx';
import { Page, PageHead } from '../../kit/page.tsx';
import { Card, ProblemNote, QueryView } from '../../kit/panel.tsx';
import { NewsNote, useReading } from '../../kit/reading.tsx';
import { StateMark } from '../../kit/state-mark.tsx';
import { Ago } from '../../kit/time.tsx';
import {
  columnDecimals,
  commonMetrics,
  metricNumber,
  runWord,
  stateOfRun,
  varyingParams,
} from './run-text.ts';

const route = getRouteApi('/runs');
const FIRST_PAGE = 100;

/** Which runs are best, running or broken, and how do they differ? */
export function RunsScreen() {
  const search = route.useSearch();
  const navigate = useNavigate({ from: '/runs' });
  const experiments = useQuery(experimentsQuery());
  const { reading, news } = useReading('runs');
  const runs = useInfiniteQuery({
    ...runsQuery({
      ...(search.experiment ? { experimentId: search.experiment } : {}),
      ...(search.filter ? { filter: search.filter } : {}),
      ...(search.order ? { orderBy: search.order } : {}),
      limit: FIRST_PAGE,
    }),
    enabled: !reading,
  });
  const set = useCallback(
    (change: Readonly<Record<string, string | undefined>>) =>
      void navigate({ search: (old) => compactSearch({ ...old, ...change }), replace: true }),
    [navigate],
  );
  const setFilter = useCallback((filter: string) => set({ filter }), [set]);
  const rows = useMemo(() => runs.data?.pages.flatMap((page) => page.items) ?? [], [runs.data]);
  const names = new Map((experiments.data?.items ?? []).map((each) => [each.id, each.name]));
  const columns = useMemo(() => columnsOf(rows, search.order, set), [rows, search.order, set]);
  const filtered = search.filter !== undefined || search.experiment !== undefined;
  const more = useCallback(() => {
    if (runs.hasNextPage && !runs.isFetchingNextPage) void runs.fetchNextPage();
  }, [runs]);
  return (
    <Page full>
      <PageHead
        title="Runs"
        sentence={rows.length > 0 ? summary(rows, runs.hasNextPage) : undefined}
        actions={
          <>
            <Select
              label="Experiment"
              value={search.experiment ?? ''}
              all="All experiments"
              options={[...names].map(([id, name]) => [id, name] as const)}
              onChange={(experiment) => set({ experiment })}
            />
            <SearchField
              label="Filter"
              placeholder="metrics.auc > 0.7"
              value={search.filter ?? ''}
              onChange={setFilter}
              className="w-72"
            />
          </>
        }
      />
      {runs.isError && runs.data !== undefined && <ProblemNote error={runs.error} />}
      <QueryView
        query={runs}
        rows={10}
        isEmpty={() => rows.length === 0}
        empty={
          filtered ? (
            <Empty title="No run fits this filter">
              <Button onClick={() => void navigate({ search: {} })}>Show all runs</Button>
            </Empty>
          ) : (
            <Empty
              title="No runs yet"
              type={`export MLFLOW_TRACKING_URI=${location.origin}\npython train.py`}
            >
              Your script stays as it is: stock <code>mlflow</code> logs to this server. In a terminal:
            </Empty>
          )
        }
      >
        {() => (
          <Card flush>
            <NewsNote news={news} />
            <Grid
              label="Runs"
              rows={rows}
              columns={columns}
              rowKey={(run) => run.id}
              onOpen={(run) => void navigate({ to: '/runs/$runId', params: { runId: run.id } })}
              onEnd={more}
              footer={
                runs.isFetchingNextPage
                  ? 'Loading more'
                  : runs.hasNextPage
                    ? 'Scroll for more'
                    : `All ${rows.length} runs shown`
              }
            />
          </Card>
        )}
      </QueryView>
    </Page>
  );
}

function compactSearch<T extends Record<string, string | undefined>>(search: T): T {
  return Object.fromEntries(Object.entries(search).filter(([, value]) => value)) as T;
}

function summary(rows: readonly Run[], more: boolean): string {
  const count = (status: Run['status']): number => rows.filter((run) => run.status === status).length;
  const parts = [`${rows.length}${more ? ' newest' : ''} runs`];
  if (count('RUNNING') > 0) parts.push(`${count('RUNNING')} running`);
  if (count('FAILED') > 0) parts.push(`${count('FAILED')} failed`);
  return `${parts.join(', ')}.`;
}

function columnsOf(
  rows: readonly Run[],
  order: string | undefined,
  set: (change: Readonly<Record<string, string | undefined>>) => void,
): readonly GridColumn<Run>[] {
  const sorted = (key: string): NonNullable<GridColumn<Run>['sort']> => ({
    active: order === `${key} DESC` ? 'desc' : order === `${key} ASC` ? 'asc' : null,
    toggle: () =>
      set({ order: order === `${key} DESC` ? `${key} ASC` : order === `${key} ASC` ? '' : `${key} DESC` }),
  });
  return [
    {
      id: 'name',
      head: 'Run',
      width: 'minmax(160px, 1.2fr)',
      cell: (run) => (
        <span className="flex items-center gap-2">
          <StateMark state={stateOfRun(run.status)} label={runWord(run.status)} />
          <Link to="/runs/$runId" params={{ runId: run.id }} className="truncate hover:text-accent">
            {run.name}
          </Link>
        </span>
      ),
    },
    ...commonMetrics(rows, 4).map((key): GridColumn<Run> => {
      const decimals = columnDecimals(rows.map((run) => run.metrics[key]?.last));
      return {
        id: `metric ${key}`,
        head: key,
        width: 'minmax(84px, 0.6fr)',
        align: 'right',
        sort: sorted(`metrics.\`${key}\``),
        cell: (run) => metricNumber(run.metrics[key]?.last, decimals),
      };
    }),
    ...varyingParams(rows, 4).map(
      (key): GridColumn<Run> => ({
        id: `param ${key}`,
        head: key,
        width: 'minmax(96px, 0.8fr)',
        wideOnly: true,
        cell: (run) => <span className="text-muted">{run.params[key] ?? ''}</span>,
      }),
    ),
    {
      id: 'user',
      head: 'By',
      width: '90px',
      wideOnly: true,
      cell: (run) => <span className="text-muted">{run.user}</span>,
    },
    {
      id: 'duration',
      head: 'Took',
      width: '100px',
      align: 'right',
      wideOnly: true,
      cell: (run) => (
        <span className="text-muted">
          {run.durationMs === null ? runWord(run.status) : formatDuration(run.durationMs)}
        </span>
      ),
    },
    {
      id: 'started',
      head: 'Started',
      width: '90px',
      align: 'right',
      sort: sorted('attributes.start_time'),
      cell: (run) => <Ago at={run.startTime} className="text-muted" />,
    },
  ];
}

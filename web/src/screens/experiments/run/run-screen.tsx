import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { lazy, type ReactNode, Suspense } from 'react';
import type { RunDetail } from '../../../../../src/lifecycle/experiments/contract.ts';
import { runQuery } from '../../../api/queries.ts';
import { PARENT_TAG } from '../../../api/tracking.ts';
import { formatDuration } from '../../../kit/format.ts';
import { Missing } from '../../../kit/missing.tsx';
import { Page, PageHead } from '../../../kit/page.tsx';
import { QueryView, Skeleton } from '../../../kit/panel.tsx';
import { Id } from '../../../kit/snippet.tsx';
import { StateLabel } from '../../../kit/state-mark.tsx';
import { TAB, TabBar } from '../../../kit/tabs.tsx';
import { Ago } from '../../../kit/time.tsx';
import { runWord, stateOfRun } from '../run-text.ts';
import type { RunSearch } from '../search.ts';
import { Overview } from './overview.tsx';
import { RunActs } from './run-acts.tsx';

const route = getRouteApi('/runs/$runId');
const MetricsTab = lazy(() => import('./metrics-tab.tsx').then((module) => ({ default: module.MetricsTab })));
const FilesTab = lazy(() => import('./files-tab.tsx').then((module) => ({ default: module.FilesTab })));
const ImagesTab = lazy(() => import('./images-tab.tsx').then((module) => ({ default: module.ImagesTab })));
const TracesTab = lazy(() => import('./traces-tab.tsx').then((module) => ({ default: module.TracesTab })));

/** What happened in this run, with what data, code and result? */
export function RunScreen() {
  const { runId } = route.useParams();
  const run = useQuery(runQuery(runId));
  return (
    <Page>
      <QueryView
        query={run}
        rows={10}
        title="Run"
        missing={<Missing what="run" name={runId} list="/runs" listName="Runs" />}
      >
        {(data) => <RunBody run={data} />}
      </QueryView>
    </Page>
  );
}

function RunBody(props: { readonly run: RunDetail }) {
  const { run } = props;
  const { tab } = route.useSearch();
  const parent = run.tags[PARENT_TAG];
  const curves = Object.values(run.metrics).filter((metric) => metric.count > 1).length;
  return (
    <>
      <PageHead
        title={
          <span className="flex flex-wrap items-baseline gap-x-3 break-all">
            {run.name}
            <span className="font-normal text-body">
              <StateLabel state={stateOfRun(run.status)}>
                {runWord(run.status)}
                {run.lifecycleStage === 'deleted' && ', deleted'}
              </StateLabel>
            </span>
          </span>
        }
        sentence={
          <>
            In{' '}
            <Link to="/runs" search={{ experiment: run.experimentId }} className="text-accent underline">
              {run.experimentName}
            </Link>
            {run.user && `, by ${run.user}`}, <Ago at={run.startTime} />
            {run.durationMs !== null && `, took ${formatDuration(run.durationMs)}`}
            {parent && (
              <>
                , child of{' '}
                <Link to="/runs/$runId" params={{ runId: parent }} className="text-accent underline">
                  {parent.slice(0, 8)}
                </Link>
              </>
            )}
            . <Id id={run.id} text={run.id.slice(0, 12)} />
          </>
        }
        actions={<RunActs run={run} />}
      />
      <TabBar label="Parts of the run">
        <Tab runId={run.id} tab={undefined}>
          Overview
        </Tab>
        <Tab runId={run.id} tab="metrics" count={curves}>
          Charts
        </Tab>
        <Tab runId={run.id} tab="files">
          Files
        </Tab>
        <Tab runId={run.id} tab="images">
          Images
        </Tab>
        <Tab runId={run.id} tab="traces">
          Traces
        </Tab>
      </TabBar>
      <Suspense fallback={<Skeleton rows={8} />}>
        {tab === undefined && <Overview run={run} />}
        {tab === 'metrics' && <MetricsTab run={run} />}
        {tab === 'files' && <FilesTab run={run} />}
        {tab === 'images' && <ImagesTab run={run} />}
        {tab === 'traces' && <TracesTab run={run} />}
      </Suspense>
    </>
  );
}

function Tab(props: {
  readonly runId: string;
  readonly tab: RunSearch['tab'];
  readonly count?: number;
  readonly children: ReactNode;
}) {
  const current = route.useSearch().tab;
  return (
    <Link
      to="/runs/$runId"
      params={{ runId: props.runId }}
      search={props.tab ? { tab: props.tab } : {}}
      activeOptions={{ exact: true, includeSearch: true }}
      aria-current={current === props.tab ? 'page' : undefined}
      className={TAB}
    >
      {props.children}
      {props.count !== undefined && props.count > 0 && (
        <span className="pl-1.5 text-faint text-label">{props.count}</span>
      )}
    </Link>
  );
}

import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { lazy, type ReactNode, Suspense, useMemo } from 'react';
import type { Run } from '../../../../../src/lifecycle/experiments/contract.ts';
import { runsByIdQuery } from '../../../api/tracking.ts';
import { Empty } from '../../../kit/empty.tsx';
import { formatCount, plural } from '../../../kit/format.ts';
import { Page, PageHead } from '../../../kit/page.tsx';
import { QueryView, Skeleton } from '../../../kit/panel.tsx';
import { compact } from '../../../kit/search-params.ts';
import { CopyButton } from '../../../kit/snippet.tsx';
import { TAB, TabBar } from '../../../kit/tabs.tsx';
import type { CompareSearch } from '../search.ts';
import { ParamsView } from './params-view.tsx';
import { RunChips } from './run-chips.tsx';
import { MOST_RUNS, packRunIds, unpackRunIds } from './run-ids.ts';

const route = getRouteApi('/compare');
const MetricsView = lazy(() =>
  import('./metrics-view.tsx').then((module) => ({ default: module.MetricsView })),
);
const CurvesView = lazy(() => import('./curves-view.tsx').then((module) => ({ default: module.CurvesView })));
const ScatterView = lazy(() =>
  import('./scatter-view.tsx').then((module) => ({ default: module.ScatterView })),
);
const ParallelView = lazy(() =>
  import('./parallel-view.tsx').then((module) => ({ default: module.ParallelView })),
);
const FilesView = lazy(() => import('./files-view.tsx').then((module) => ({ default: module.FilesView })));

export type SetCompare = (change: Partial<Record<keyof CompareSearch, string | undefined>>) => void;

/** What changed between these runs, and did it matter? */
export function CompareScreen() {
  const search = route.useSearch();
  const navigate = useNavigate({ from: '/compare' });
  const ids = useMemo(() => unpackRunIds(search.runs ?? ''), [search.runs]);
  const runs = useQuery({
    ...runsByIdQuery(ids, 'params,tags'),
    enabled: ids.length > 0,
    placeholderData: keepPreviousData,
  });
  const set: SetCompare = (change) =>
    void navigate({
      search: (old) => compact({ ...old, ...change }) as CompareSearch,
      replace: true,
      resetScroll: false,
    });
  if (ids.length === 0)
    return (
      <Page>
        <Empty title="Nothing to compare yet" main>
          Select runs in the{' '}
          <Link to="/runs" className="text-accent underline">
            list of runs
          </Link>{' '}
          with Space and press C.
        </Empty>
      </Page>
    );
  const missing = runs.data ? ids.length - runs.data.length : 0;
  return (
    <Page full>
      <PageHead
        title={`Compare ${plural(ids.length, 'run')}`}
        sentence={
          missing > 0
            ? `${formatCount(missing)} of them no longer exist.`
            : ids.length >= MOST_RUNS
              ? `${MOST_RUNS} is the most at once.`
              : undefined
        }
        actions={
          <span className="inline-flex items-center gap-1 text-muted">
            <CopyButton text={location.href} label="Copy the address of this comparison" />
          </span>
        }
      />
      <QueryView query={runs} rows={10}>
        {(data) => (
          <>
            <RunChips
              runs={data}
              onRemove={(id) => set({ runs: packRunIds(ids.filter((each) => each !== id)) })}
            />
            <TabBar label="Ways to compare">
              <Tab show={undefined}>Params and tags</Tab>
              <Tab show="metrics">Metrics</Tab>
              <Tab show="curves">Curves</Tab>
              <Tab show="scatter">Scatter</Tab>
              <Tab show="parallel">Parallel</Tab>
              <Tab show="files">Files</Tab>
            </TabBar>
            <Suspense fallback={<Skeleton rows={8} />}>
              <Body runs={data} search={search} set={set} />
            </Suspense>
          </>
        )}
      </QueryView>
    </Page>
  );
}

function Body(props: {
  readonly runs: readonly Run[];
  readonly search: CompareSearch;
  readonly set: SetCompare;
}) {
  const { search } = props;
  if (search.show === 'metrics') return <MetricsView {...props} />;
  if (search.show === 'curves') return <CurvesView {...props} />;
  if (search.show === 'scatter') return <ScatterView {...props} />;
  if (search.show === 'parallel') return <ParallelView {...props} />;
  if (search.show === 'files') return <FilesView {...props} />;
  return <ParamsView {...props} />;
}

function Tab(props: { readonly show: CompareSearch['show']; readonly children: ReactNode }) {
  const search = route.useSearch();
  return (
    <Link
      to="/compare"
      search={{ runs: search.runs, ...(props.show ? { show: props.show } : {}) } as CompareSearch}
      replace
      resetScroll={false}
      activeOptions={{ exact: true, includeSearch: true }}
      aria-current={search.show === props.show ? 'page' : undefined}
      className={TAB}
    >
      {props.children}
    </Link>
  );
}

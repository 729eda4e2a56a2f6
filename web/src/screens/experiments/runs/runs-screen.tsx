import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useCallback, useMemo, useRef, useState } from 'react';
import { asProblem } from '../../../api/problem.ts';
import { experimentsQuery } from '../../../api/queries.ts';
import { PARENT_TAG, type RunsView } from '../../../api/tracking.ts';
import { Button } from '../../../kit/button.tsx';
import { DataGrid, type DataGridHandle } from '../../../kit/data-grid/data-grid.tsx';
import { Empty } from '../../../kit/empty.tsx';
import { formatCount, plural } from '../../../kit/format.ts';
import { ProblemNote, Skeleton, StaleNote } from '../../../kit/panel.tsx';
import { useNews } from '../../../kit/reading.tsx';
import { compact } from '../../../kit/search-params.ts';
import { useShortcut } from '../../../kit/shortcuts.tsx';
import { packRunIds } from '../compare/run-ids.ts';
import type { RunsSearch } from '../search.ts';
import { type ColumnRef, columnsText, fieldsOf } from './columns.ts';
import { gridColumns, nameColumn } from './grid-columns.tsx';
import { useRows } from './nesting.ts';
import { RunsToolbar } from './runs-toolbar.tsx';
import { SelectionBar } from './selection-bar.tsx';
import { keepColumns, tellingColumns, useColumns, useRunPages } from './use-runs.ts';
import { useWidths } from './use-widths.ts';

const route = getRouteApi('/runs');
const ROOTS_ONLY = `NOT tags.\`${PARENT_TAG}\` LIKE '%'`;

/** Which runs are best, running or broken, and how do they differ? */
export function RunsScreen() {
  const search = route.useSearch();
  const navigate = useNavigate({ from: '/runs' });
  const set = useCallback(
    (change: Partial<Record<keyof RunsSearch, string | undefined>>) =>
      void navigate({
        search: (old) => compact({ ...old, ...change }) as RunsSearch,
        replace: true,
      }),
    [navigate],
  );
  const experiments = useQuery(experimentsQuery());
  const names = useMemo(
    () => new Map((experiments.data?.items ?? []).map((each) => [each.id, each.name])),
    [experiments.data],
  );
  const {
    columns: asked,
    ready,
    isSuggested,
    experiments: keysOf,
  } = useColumns(search.experiment, search.cols);
  const nested = search.nested === 'yes';
  const [reading, setReading] = useState(false);
  const view = useMemo<RunsView>(() => {
    const filter = [search.filter && nested ? `(${search.filter})` : search.filter, nested ? ROOTS_ONLY : '']
      .filter(Boolean)
      .join(' AND ');
    return {
      fields: fieldsOf(asked, nested ? [`tags.\`${PARENT_TAG}\``] : []),
      ...(search.experiment ? { experimentId: search.experiment } : {}),
      ...(filter ? { filter } : {}),
      ...(search.order ? { orderBy: search.order } : {}),
      ...(search.view ? { view: search.view } : {}),
    };
  }, [asked, nested, search.experiment, search.filter, search.order, search.view]);
  const { query, rows: runs, more, totalCount } = useRunPages(view, reading, ready);
  const columns = useMemo(
    () => (isSuggested ? tellingColumns(asked, runs) : asked),
    [isSuggested, asked, runs],
  );
  const { rows, fold } = useRows(runs, nested, view.fields);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const grid = useRef<DataGridHandle>(null);
  const news = useNews('runs', reading, query.dataUpdatedAt);
  const { widths, setWidth } = useWidths('millrace.runs.widths');
  const setColumns = useCallback(
    (next: readonly ColumnRef[] | null) => {
      keepColumns(search.experiment, next === null ? null : columnsText(next));
      set({ cols: next === null ? undefined : columnsText(next) });
    },
    [search.experiment, set],
  );
  const gridCols = useMemo(() => {
    const sorting = { order: search.order, set: (order: string) => set({ order }) };
    const narrow = innerWidth < 640;
    return [
      nameColumn({
        sorting,
        narrow,
        widthPx: widths.name,
        onResize: (px) => setWidth('name', px),
        onFold: fold,
      }),
      ...gridColumns(columns, {
        runs,
        sorting,
        widths,
        onResize: setWidth,
        experimentName: (id) => names.get(id) ?? id,
      }),
    ];
  }, [search.order, set, columns, runs, widths, setWidth, names, fold]);
  const compare = (): void => {
    if (selected.size > 0) void navigate({ to: '/compare', search: { runs: packRunIds([...selected]) } });
  };
  useShortcut('c', 'Compare the selected runs', compare);
  const filterWrong = query.isError && asProblem(query.error).status === 400;
  const narrowed =
    search.filter !== undefined || search.experiment !== undefined || search.view !== undefined;
  return (
    <div className="fade-in flex h-[calc(100dvh-112px)] min-h-96 w-full flex-col gap-3 px-4 pt-5 sm:h-[calc(100dvh-64px)] sm:px-6">
      <header className="flex flex-wrap items-baseline gap-x-4 gap-y-1">
        <h1 className="font-strong text-page">Runs</h1>
        <p className="min-w-0 text-lead text-muted">
          {totalCount !== null &&
            !filterWrong &&
            `${plural(totalCount, 'run')}${search.filter ? ' fit' : ''}`}
          {search.experiment && ` in ${names.get(search.experiment) ?? 'this experiment'}`}
          {search.view === 'deleted' && ', deleted'}
        </p>
        <Link to="/experiments" className="ml-auto text-accent">
          Experiments
        </Link>
      </header>
      <RunsToolbar
        search={search}
        set={set}
        names={names}
        columns={columns}
        areColumnsKnown={ready}
        onColumns={setColumns}
        keysOf={keysOf}
        error={filterWrong ? query.error : null}
        view={view}
      />
      {query.isError && !filterWrong && query.data === undefined ? (
        <ProblemNote error={query.error} onRetry={() => void query.refetch()} />
      ) : query.data === undefined ? (
        filterWrong ? null : (
          <Skeleton rows={12} />
        )
      ) : rows.length === 0 && !filterWrong ? (
        narrowed ? (
          <Empty title={search.view === 'deleted' ? 'No deleted run' : 'No run fits this view'}>
            <Button onClick={() => void navigate({ search: {} })}>Show all runs</Button>
          </Empty>
        ) : (
          <Empty title="No runs yet" type={`export MLFLOW_TRACKING_URI=${location.origin}\npython train.py`}>
            Your script stays as it is: stock <code>mlflow</code> logs to this server. In a terminal:
          </Empty>
        )
      ) : (
        <section
          aria-busy={query.isPlaceholderData}
          // What is shown is not yet, or not, what is asked for; it is no paler for that, since it is read meanwhile.
          className={`relative flex min-h-0 flex-1 flex-col overflow-hidden rounded-card border bg-surface ${filterWrong ? 'border-bad' : query.isPlaceholderData ? 'border-accent' : 'border-line'}`}
        >
          {news && (
            <button
              type="button"
              onClick={() => grid.current?.scrollToTop()}
              className="fade-in -translate-x-1/2 absolute top-10 left-1/2 z-10 h-8 rounded-full border border-line-strong bg-raised px-4 text-label shadow-float hover:bg-sunken"
            >
              Runs have changed: to the top ↑
            </button>
          )}
          <DataGrid
            ref={grid}
            label="Runs"
            rows={rows}
            totalCount={nested ? null : totalCount}
            columns={gridCols}
            rowKey={(row) => row.run.id}
            onOpen={(row) => void navigate({ to: '/runs/$runId', params: { runId: row.run.id } })}
            selection={{
              keys: selected,
              onChange: setSelected,
              nameOf: (id) => rows.find((row) => row.run.id === id)?.run.name ?? id,
            }}
            onEnd={more}
            onReading={setReading}
            footer={
              <>
                <span>
                  {query.isFetchingNextPage
                    ? 'Loading more'
                    : query.hasNextPage
                      ? `${formatCount(runs.length)} of ${formatCount(totalCount)} loaded`
                      : `All ${plural(runs.length, 'run')} shown`}
                </span>
                {query.isRefetchError && <StaleNote sinceMs={query.dataUpdatedAt} />}
                <span className="ml-auto hidden lg:inline">
                  ↑ ↓ move, Space selects, Enter opens, C compares
                </span>
              </>
            }
          />
          {selected.size > 0 && (
            <SelectionBar
              ids={[...selected]}
              deleted={search.view === 'deleted'}
              onCompare={compare}
              onClear={() => setSelected(new Set())}
            />
          )}
        </section>
      )}
    </div>
  );
}

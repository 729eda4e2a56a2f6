import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useCallback } from 'react';
import type { Experiment } from '../../../../../src/lifecycle/experiments/contract.ts';
import { nameFilter } from '../../../api/name-filter.ts';
import { experimentPagesQuery } from '../../../api/tracking.ts';
import { Empty } from '../../../kit/empty.tsx';
import { Choice, SearchField } from '../../../kit/fields.tsx';
import { plural } from '../../../kit/format.ts';
import { Grid, type GridColumn } from '../../../kit/grid.tsx';
import { Page, PageHead } from '../../../kit/page.tsx';
import { Card, QueryView } from '../../../kit/panel.tsx';
import { compact } from '../../../kit/search-params.ts';
import { Ago } from '../../../kit/time.tsx';
import { useRows } from '../../../kit/use-rows.ts';
import type { ExperimentsSearch } from '../search.ts';
import { CreateExperiment, ExperimentActs } from './experiment-acts.tsx';

const route = getRouteApi('/experiments');

/** What is being tried, and where are its runs? */
export function ExperimentsScreen() {
  const search = route.useSearch();
  const navigate = useNavigate({ from: '/experiments' });
  const set = useCallback(
    (change: Partial<Record<keyof ExperimentsSearch, string | undefined>>) =>
      void navigate({
        search: (old) => compact({ ...old, ...change }) as ExperimentsSearch,
        replace: true,
      }),
    [navigate],
  );
  const setQuery = useCallback((query: string) => set({ query }), [set]);
  const deleted = search.view === 'deleted';
  const experiments = useInfiniteQuery(
    experimentPagesQuery({
      view: deleted ? 'deleted' : 'active',
      ...(search.query ? { filter: nameFilter(search.query) } : {}),
    }),
  );
  const { rows, more } = useRows(experiments);
  const totalCount = experiments.data?.pages[0]?.totalCount;
  return (
    <Page>
      <PageHead
        title="Experiments"
        sentence={
          typeof totalCount === 'number'
            ? `${plural(totalCount, deleted ? 'deleted experiment' : 'experiment')}${search.query ? ' with this name' : ''}.`
            : undefined
        }
        actions={
          <>
            <SearchField
              label="Search experiments"
              placeholder="part of a name"
              value={search.query ?? ''}
              onChange={setQuery}
            />
            <Choice<'active' | 'deleted'>
              label="Which"
              value={deleted ? 'deleted' : 'active'}
              options={[
                ['active', 'Active'],
                ['deleted', 'Deleted'],
              ]}
              onChange={(view) => set({ view: view === 'deleted' ? 'deleted' : undefined })}
            />
            <CreateExperiment />
          </>
        }
      />
      <QueryView
        query={experiments}
        rows={8}
        isEmpty={() => rows.length === 0}
        empty={
          <Empty
            title={
              deleted
                ? 'No deleted experiment'
                : search.query
                  ? 'No experiment of this name'
                  : 'No experiment'
            }
          />
        }
      >
        {() => (
          <Card flush className="overflow-clip">
            <Grid
              label="Experiments"
              rows={rows}
              columns={COLUMNS}
              rowKey={(experiment) => experiment.id}
              onOpen={(experiment) =>
                void navigate({
                  to: '/runs',
                  search: {
                    experiment: experiment.id,
                    ...(experiment.lifecycleStage === 'deleted' ? { view: 'all' as const } : {}),
                  },
                })
              }
              onEnd={more}
            />
          </Card>
        )}
      </QueryView>
    </Page>
  );
}

const ownTags = (experiment: Experiment): readonly (readonly [string, string])[] =>
  Object.entries(experiment.tags).filter(([key]) => !/^(mlflow|millrace)\./.test(key));

const COLUMNS: readonly GridColumn<Experiment>[] = [
  {
    id: 'name',
    head: 'Experiment',
    width: 'minmax(110px, 2fr)',
    cell: (experiment) => (
      <Link
        to="/runs"
        search={{ experiment: experiment.id }}
        className="font-strong hover:text-accent"
        data-tip={experiment.name.length > 28 ? experiment.name : undefined}
      >
        {experiment.name}
      </Link>
    ),
  },
  {
    id: 'tags',
    head: 'Tags',
    width: 'minmax(100px, 2fr)',
    wideOnly: true,
    cell: (experiment) => {
      const text = ownTags(experiment)
        .map(([key, value]) => `${key}: ${value}`)
        .join(', ');
      return (
        <span className="text-muted" data-tip={text.length > 30 ? text : undefined}>
          {text}
        </span>
      );
    },
  },
  {
    id: 'id',
    head: 'Id',
    width: '72px',
    align: 'right',
    wideOnly: true,
    cell: (experiment) => <span className="font-mono text-label text-muted">{experiment.id}</span>,
  },
  {
    id: 'updated',
    head: 'Changed',
    width: '96px',
    align: 'right',
    wideOnly: true,
    cell: (experiment) => <Ago at={experiment.updatedAt} className="text-muted" />,
  },
  {
    id: 'created',
    head: 'Created',
    width: 'minmax(72px, 88px)',
    align: 'right',
    cell: (experiment) => <Ago at={experiment.createdAt} className="text-muted" />,
  },
  {
    id: 'acts',
    head: <span className="sr-only">Acts</span>,
    width: '76px',
    align: 'right',
    cell: (experiment) => <ExperimentActs experiment={experiment} />,
  },
];

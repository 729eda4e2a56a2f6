import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useCallback, useMemo } from 'react';
import { endpointsQuery, replicasQuery, unresolvedAlertsQuery } from '../../api/queries.ts';
import { Button } from '../../kit/button.tsx';
import { Empty } from '../../kit/empty.tsx';
import {
  type EndpointStanding,
  standingOf,
  standingsText,
  worstFirst,
} from '../../kit/endpoints/endpoint-standing.ts';
import { EndpointsGrid } from '../../kit/endpoints/endpoints-grid.tsx';
import { SearchField, Select } from '../../kit/fields.tsx';
import { formatCount } from '../../kit/format.ts';
import { Filters, Page, PageHead } from '../../kit/page.tsx';
import { Card, QueryView } from '../../kit/panel.tsx';
import { compact } from '../../kit/search-params.ts';
import { StateMark } from '../../kit/state-mark.tsx';
import { Ago } from '../../kit/time.tsx';
import { ENDPOINT_SHOWS, type EndpointShow, inOrderOf, isShown } from './endpoint-list.ts';
import { EndpointPulse } from './endpoint-pulse.tsx';
import { replicaState } from './replica-text.ts';
import { ReplicasCard } from './replicas-card.tsx';
import { RetiredCard } from './retired-card.tsx';
import type { EndpointsSearch } from './search.ts';
import { TrafficBar } from './traffic-bar.tsx';

const route = getRouteApi('/endpoints');
const CARDS_UP_TO = 3;

const SHOWN: Readonly<Record<EndpointShow, string>> = {
  attention: 'Need a look',
  tried: 'Try a version',
  idle: 'Without a version',
};

/** All endpoints with who answers now, and the replicas that do it. */
export function EndpointsScreen() {
  const search = route.useSearch();
  const navigate = useNavigate({ from: '/endpoints' });
  const set = useCallback(
    (change: { readonly [K in keyof EndpointsSearch]: EndpointsSearch[K] | undefined }) =>
      void navigate({ search: (old) => compact({ ...old, ...change }), replace: true }),
    [navigate],
  );
  const endpoints = useQuery(endpointsQuery());
  const alerts = useQuery(unresolvedAlertsQuery());
  const standings = useMemo(
    () => (endpoints.data?.items ?? []).map((each) => standingOf(each, alerts.data?.items ?? [])),
    [endpoints.data, alerts.data],
  );
  const shown = useMemo(() => {
    const fit = standings.filter((standing) => isShown(standing, search));
    return search.sort ? inOrderOf(search.sort, fit) : worstFirst(fit);
  }, [standings, search]);
  const replicas = useQuery(replicasQuery());
  const isReplicaAmiss = (replicas.data?.items ?? []).some((each) =>
    ['bad', 'watch'].includes(replicaState(each)),
  );
  const many = standings.length > CARDS_UP_TO;
  return (
    <Page>
      <PageHead
        title="Deployment"
        sentence={
          standings.length > 0 ? standingsText(standings) : 'Which version answers where, on which replicas.'
        }
        actions={
          many && (
            <Filters>
              <SearchField
                className="sm:w-64"
                label="Search endpoints"
                placeholder="endpoint, model or version"
                value={search.query ?? ''}
                onChange={(query) => set({ query: query || undefined })}
              />
              <Select
                label="Show"
                value={search.show ?? ''}
                all="All endpoints"
                options={ENDPOINT_SHOWS.map((show) => [show, SHOWN[show]] as const)}
                onChange={(show) => set({ show })}
              />
              <Select
                label="Order"
                value={search.sort ?? ''}
                all="Worst first"
                options={[
                  ['name', 'By name'],
                  ['changed', 'Newest change first'],
                  ['failed', 'Most failures, 5 min'],
                  ['predictions', 'Most asked, 5 min'],
                ]}
                onChange={(sort) => set({ sort })}
              />
            </Filters>
          )
        }
      />
      {/* Below hundreds of endpoints nobody would see that one is missing. */}
      {isReplicaAmiss && <ReplicasCard />}
      <QueryView
        query={endpoints}
        rows={4}
        isEmpty={(page) => page.items.length === 0}
        empty={
          <Empty title="Nothing is deployed" type={`millrace apply loop.yaml --url ${location.origin}`}>
            A loop declares its endpoint and deploys its first champion by itself. Any version of a registered{' '}
            <Link to="/models" className="text-accent underline">
              model
            </Link>{' '}
            is deployed from its own screen.
          </Empty>
        }
      >
        {() =>
          !many ? (
            standings.map((standing) => <EndpointCard key={standing.endpoint.name} standing={standing} />)
          ) : shown.length === 0 ? (
            <Empty title="No endpoint fits">
              <Button onClick={() => set({ query: undefined, show: undefined })}>Show all endpoints</Button>
            </Empty>
          ) : (
            <Card flush>
              <EndpointsGrid
                rows={shown}
                sort={{
                  by: search.sort,
                  toggle: (sort) => set({ sort: search.sort === sort ? undefined : sort }),
                }}
                footer={
                  shown.length === standings.length
                    ? `All ${formatCount(shown.length)} shown`
                    : `${formatCount(shown.length)} of ${formatCount(standings.length)} shown`
                }
              />
            </Card>
          )
        }
      </QueryView>
      <RetiredCard />
      {!isReplicaAmiss && <ReplicasCard />}
    </Page>
  );
}

function EndpointCard(props: { readonly standing: EndpointStanding }) {
  const { endpoint, state, sentence } = props.standing;
  return (
    <Card
      title={
        <span className="inline-flex items-center gap-2">
          <StateMark state={state} />
          <Link to="/endpoints/$endpoint" params={{ endpoint: endpoint.name }} className="hover:text-accent">
            {endpoint.name}
          </Link>
        </span>
      }
      note={
        <>
          model {endpoint.model}, changed <Ago at={endpoint.updatedAt} />
        </>
      }
    >
      <div className="flex flex-col gap-4">
        {(state === 'bad' || state === 'watch') && <p>{sentence}</p>}
        <TrafficBar endpoint={endpoint} />
        {endpoint.arms.length > 0 && <EndpointPulse endpoint={endpoint} />}
      </div>
    </Card>
  );
}

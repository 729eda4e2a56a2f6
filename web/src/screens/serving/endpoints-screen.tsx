import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { Endpoint } from '../../../../src/lifecycle/serving/contract.ts';
import { endpointsQuery, replicasQuery } from '../../api/queries.ts';
import { Empty, EmptyLine } from '../../kit/empty.tsx';
import { plural } from '../../kit/format.ts';
import { Page, PageHead } from '../../kit/page.tsx';
import { Card, QueryCard, QueryView } from '../../kit/panel.tsx';
import { StateLabel } from '../../kit/state-mark.tsx';
import { Ago } from '../../kit/time.tsx';
import { EndpointPulse } from './endpoint-pulse.tsx';
import { TrafficBar } from './traffic-bar.tsx';

/** All endpoints with who answers now, and the replicas that do it. */
export function EndpointsScreen() {
  const endpoints = useQuery(endpointsQuery());
  const replicas = useQuery(replicasQuery());
  return (
    <Page>
      <PageHead title="Deployment" sentence="Which version answers where, and on which replicas." />
      <QueryView
        query={endpoints}
        rows={4}
        isEmpty={(page) => page.items.length === 0}
        empty={
          <Empty title="Nothing is deployed" type={`bin/millrace apply loop.yaml --url ${location.origin}`}>
            A loop declares its endpoint and deploys its first champion by itself. Any version of a registered{' '}
            <Link to="/models" className="text-accent underline">
              model
            </Link>{' '}
            is deployed from its own screen.
          </Empty>
        }
      >
        {(page) => page.items.map((endpoint) => <EndpointCard key={endpoint.name} endpoint={endpoint} />)}
      </QueryView>
      <QueryCard
        title="Replicas"
        query={replicas}
        flush
        className="overflow-hidden"
        isEmpty={(page) => page.items.length === 0}
        empty={
          <div className="px-4 pb-3">
            <EmptyLine>
              No replica has ever connected. <code>bin/millrace up</code> starts one with the server.
            </EmptyLine>
          </div>
        }
      >
        {(page) => (
          <ul>
            {page.items.map((replica) => {
              const failed = replica.models.filter((model) => model.state === 'failed');
              return (
                <li
                  key={replica.id}
                  className="grid grid-cols-[1fr_max-content] gap-x-4 border-line border-t px-4 py-2 sm:grid-cols-[200px_1fr_max-content_max-content]"
                >
                  <StateLabel
                    state={
                      !replica.connected || failed.length > 0
                        ? 'bad'
                        : replica.models.some((model) => model.state === 'loading')
                          ? 'running'
                          : 'good'
                    }
                  >
                    <span className="truncate font-strong">{replica.id}</span>
                  </StateLabel>
                  <span className="min-w-0 text-muted">
                    {replica.connected
                      ? (replica.url ?? 'connected')
                      : 'away; it goes on with its last known routes'}
                    {failed.length > 0 &&
                      `; ${failed.map((model) => model.error ?? 'a model does not load').join('; ')}`}
                  </span>
                  <span className="text-muted">
                    {plural(replica.models.filter((model) => model.state === 'ready').length, 'model')}
                    {replica.segmentsWaiting > 0 &&
                      `, ${plural(replica.segmentsWaiting, 'log segment')} on the way`}
                  </span>
                  <Ago at={replica.lastSeenAt} className="text-muted" />
                </li>
              );
            })}
          </ul>
        )}
      </QueryCard>
    </Page>
  );
}

function EndpointCard(props: { readonly endpoint: Endpoint }) {
  const { endpoint } = props;
  return (
    <Card
      title={
        <Link to="/endpoints/$endpoint" params={{ endpoint: endpoint.name }} className="hover:text-accent">
          {endpoint.name}
        </Link>
      }
      note={
        <>
          model {endpoint.model}, changed <Ago at={endpoint.updatedAt} />
        </>
      }
    >
      <div className="flex flex-col gap-4">
        <TrafficBar endpoint={endpoint} />
        {endpoint.arms.length > 0 && <EndpointPulse endpoint={endpoint.name} />}
      </div>
    </Card>
  );
}

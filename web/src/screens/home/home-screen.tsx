import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import {
  alertsQuery,
  endpointsQuery,
  loopsQuery,
  openRolloutsQuery,
  turnsQuery,
  unresolvedAlertsQuery,
} from '../../api/queries.ts';
import { plural } from '../../kit/format.ts';
import { Page, PageHead } from '../../kit/page.tsx';
import { Card, QueryView } from '../../kit/panel.tsx';
import { StateMark } from '../../kit/state-mark.tsx';
import { Ago } from '../../kit/time.tsx';
import { EndpointsCard } from './endpoints-card.tsx';
import { HomeEmpty } from './home-empty.tsx';
import { readLastVisit, sinceThen } from './last-visit.ts';
import { LoopCard } from './loop-card.tsx';
import { LoopTable } from './loop-table.tsx';
import { type Waiting, waitingFor } from './waiting.ts';

const CARDS_UP_TO = 3;

/** Which models are healthy round the whole circle, what serves outside of it, and what waits for me? */
export function HomeScreen() {
  const loops = useQuery(loopsQuery());
  const alerts = useQuery(alertsQuery());
  const unresolved = useQuery(unresolvedAlertsQuery());
  const turns = useQuery(turnsQuery());
  const endpoints = useQuery(endpointsQuery());
  const rollouts = useQuery(openRolloutsQuery());
  const [visit] = useState(() => readLastVisit(localStorage, Date.now()));
  const own = loops.data?.items ?? [];
  const waiting = waitingFor(own, unresolved.data?.items ?? [], rollouts.data?.items ?? []);
  const news = visit === null ? null : sinceThen(turns.data?.items ?? [], visit);
  const rest = (endpoints.data?.items ?? []).filter(
    (endpoint) => !own.some((loop) => loop.endpoint === endpoint.name),
  );
  const counts = [
    own.length > 0 && plural(own.length, 'model'),
    rest.length > 0 && `${plural(rest.length, 'endpoint')}${own.length > 0 ? ' without a loop' : ''}`,
  ].filter((count) => count !== false);
  return (
    <Page>
      {counts.length > 0 && (
        <PageHead
          title="Loop"
          sentence={
            <>
              {waiting.length === 0
                ? `${counts.join(', ')}. Nothing waits for you.`
                : `${plural(waiting.length, 'thing')} to look at.`}
              {news !== null && visit !== null && (
                <>
                  {' '}
                  Since you were here (<Ago at={visit} />
                  ): {news}.
                </>
              )}
            </>
          }
        />
      )}
      {waiting.length > 0 && <WaitingCard waiting={waiting} />}
      <QueryView
        query={loops}
        rows={6}
        isEmpty={(page) => page.items.length === 0}
        // What serves already is what a person comes for; how to begin would hide it.
        empty={endpoints.data && rest.length === 0 ? <HomeEmpty /> : null}
      >
        {(page) =>
          page.items.length <= CARDS_UP_TO ? (
            page.items.map((loop) => (
              <LoopCard
                key={loop.name}
                loop={loop}
                alerts={(alerts.data?.items ?? []).filter((alert) => alert.endpoint === loop.endpoint)}
                turns={(turns.data?.items ?? []).filter((turn) => turn.loop === loop.name)}
              />
            ))
          ) : (
            <LoopTable loops={page.items} alerts={alerts.data?.items ?? []} />
          )
        }
      </QueryView>
      {loops.data && rest.length > 0 && (
        <EndpointsCard endpoints={rest} alerts={unresolved.data?.items ?? []} hasLoops={own.length > 0} />
      )}
    </Page>
  );
}

function WaitingCard(props: { readonly waiting: readonly Waiting[] }) {
  return (
    <Card title={`Waiting for you (${props.waiting.length})`} flush>
      <ul>
        {props.waiting.map((item) => (
          <li key={item.key}>
            <Link
              to={item.to}
              className="grid grid-cols-[12px_1fr_max-content] items-baseline gap-x-3 border-line border-t px-4 py-2 hover:bg-sunken sm:grid-cols-[12px_fit-content(280px)_1fr_max-content]"
            >
              <StateMark state={item.state} />
              <span className="min-w-0 break-words font-strong sm:truncate" title={item.all ?? item.model}>
                {item.model}
              </span>
              <span className="col-start-2 row-start-2 min-w-0 text-muted sm:col-start-3 sm:row-start-1">
                {item.sentence}
              </span>
              <span className="col-start-3 row-start-1 text-accent sm:col-start-4">{item.verb} →</span>
            </Link>
          </li>
        ))}
      </ul>
    </Card>
  );
}

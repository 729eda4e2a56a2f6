import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import type { Alert } from '../../../../src/lifecycle/monitoring/contract.ts';
import type { Endpoint } from '../../../../src/lifecycle/serving/contract.ts';
import { standingOf, standingsText, worstFirst } from '../../kit/endpoints/endpoint-standing.ts';
import { EndpointsGrid } from '../../kit/endpoints/endpoints-grid.tsx';
import { plural } from '../../kit/format.ts';
import { Card } from '../../kit/panel.tsx';
import { Snippet } from '../../kit/snippet.tsx';

const SHOWN = 10;

/** What serves without a loop, worst first; without any loop also how to close one round it. */
export function EndpointsCard(props: {
  readonly endpoints: readonly Endpoint[];
  readonly alerts: readonly Alert[];
  readonly hasLoops: boolean;
}) {
  const { endpoints, alerts, hasLoops } = props;
  const standings = useMemo(
    () => worstFirst(endpoints.map((each) => standingOf(each, alerts))),
    [endpoints, alerts],
  );
  const more = standings.length - SHOWN;
  return (
    <>
      <Card
        title={hasLoops ? 'Endpoints without a loop' : 'Endpoints'}
        note={standingsText(standings)}
        flush
        actions={
          <Link to="/endpoints" className="text-accent">
            All endpoints
          </Link>
        }
      >
        <EndpointsGrid
          rows={standings.slice(0, SHOWN)}
          {...(more > 0 ? { footer: `${plural(more, 'more endpoint')}, none worse than these` } : {})}
        />
      </Card>
      {!hasLoops && (
        <Card
          title="No loop yet"
          note="a loop trains, judges, deploys, watches and improves one model by itself"
        >
          <div className="flex max-w-xl flex-col gap-2">
            <Snippet text={`millrace apply loop.yaml --url ${location.origin}`} />
          </div>
        </Card>
      )}
    </>
  );
}

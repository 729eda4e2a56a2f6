import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useEffect } from 'react';
import { endpointsQuery } from '../../../../api/queries.ts';
import { Button } from '../../../../kit/button.tsx';
import { Empty } from '../../../../kit/empty.tsx';
import { Select } from '../../../../kit/fields.tsx';
import { plural } from '../../../../kit/format.ts';
import { Page, PageHead } from '../../../../kit/page.tsx';
import { Card, QueryView, Skeleton } from '../../../../kit/panel.tsx';
import { compact } from '../../../../kit/search-params.ts';
import type { RolloutsSearch } from '../../search.ts';
import { RolloutList } from './rollout-list.tsx';
import type { RolloutRow } from './rollout-rows.ts';
import type { RolloutKind, RolloutStanding } from './standing.ts';
import { useRolloutRows } from './use-rollout-rows.ts';

const route = getRouteApi('/rollouts');
/** Fewer than these of a filter, and older ones are looked for by themselves. */
const ENOUGH = 12;

const STANDINGS: readonly (readonly [RolloutStanding, string])[] = [
  ['open', 'Under way'],
  ['promoted', 'Promoted'],
  ['taken-back', 'Aborted or rolled back'],
  ['ended', 'Ended otherwise'],
];
const KINDS: readonly (readonly [RolloutKind, string])[] = [
  ['canary', 'Canary'],
  ['split', 'A/B'],
  ['bandit', 'Bandit'],
];

/** Which versions are on trial, where, how far, and with which verdict? */
export function RolloutsScreen() {
  const search = route.useSearch();
  const navigate = useNavigate({ from: '/rollouts' });
  const endpoints = useQuery(endpointsQuery());
  const { query, rows, isWhole, more, hasOlderTurns } = useRolloutRows();
  const set = (change: RolloutsSearch): void =>
    void navigate({ search: (now) => compact({ ...now, ...change }), replace: true });
  const shown = rows.filter((row) => fits(row, search));
  const open = rows.filter((row) => row.standing === 'open').length;
  const filtered = Object.keys(search).length > 0;
  useEffect(() => {
    if (shown.length < ENOUGH) more?.();
  }, [shown.length, more]);
  const names = [
    ...new Set(
      [...(endpoints.data?.items ?? []), ...rows.map((row) => ({ name: row.endpoint }))].map(
        (each) => each.name,
      ),
    ),
  ];
  return (
    <Page>
      <PageHead
        title="Rollouts"
        sentence={
          rows.length === 0
            ? 'A new version gets a little traffic, is compared with the champion on what turned out, and takes over or goes.'
            : `${open === 0 ? 'None' : plural(open, 'rollout')} under way, ${rows.length - open} ended${isWhole ? '' : ' so far'}.`
        }
        actions={
          <>
            <Select
              label="State"
              value={search.state ?? ''}
              all="Any state"
              options={STANDINGS}
              onChange={(state) => set({ state })}
            />
            {(names.length > 1 || search.endpoint) && (
              <Select
                label="Endpoint"
                value={search.endpoint ?? ''}
                all="All endpoints"
                options={names.map((name) => [name, name] as const)}
                onChange={(endpoint) => set({ endpoint })}
              />
            )}
            <Select
              label="Kind"
              value={search.kind ?? ''}
              all="All kinds"
              options={KINDS}
              onChange={(kind) => set({ kind })}
            />
          </>
        }
      />
      <QueryView query={query} rows={6}>
        {() =>
          shown.length > 0 ? (
            <Card flush className="overflow-hidden">
              <RolloutList rows={shown} />
              <p className="flex flex-wrap items-center gap-3 border-line border-t px-4 py-2 text-label text-muted">
                {more ? <Button onClick={more}>Older rollouts</Button> : `All ${shown.length} shown. `}
                {hasOlderTurns && (
                  <span>
                    Of loops, those of the newest turns;{' '}
                    <Link to="/turns" className="text-accent">
                      all turns
                    </Link>
                  </span>
                )}
              </p>
            </Card>
          ) : !isWhole ? (
            <Skeleton rows={6} />
          ) : filtered ? (
            <Empty title="No rollout fits these filters">
              <Button onClick={() => void navigate({ search: {} })}>Show all rollouts</Button>
            </Empty>
          ) : (
            <NothingYet />
          )
        }
      </QueryView>
    </Page>
  );
}

const fits = (row: RolloutRow, { state, endpoint, kind }: RolloutsSearch): boolean =>
  (state === undefined || row.standing === state) &&
  (endpoint === undefined || row.endpoint === endpoint) &&
  (kind === undefined || row.kind === kind);

function NothingYet() {
  return (
    <Empty title="No rollout yet">
      Choose an{' '}
      <Link to="/endpoints" className="text-accent underline">
        endpoint
      </Link>{' '}
      that has a champion and begin one there: as a canary, an A/B or a bandit. A loop rolls out by itself
      what passed its gates.
    </Empty>
  );
}

import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useEffect } from 'react';
import { endpointsQuery } from '../../../../api/queries.ts';
import { Button } from '../../../../kit/button.tsx';
import { Empty } from '../../../../kit/empty.tsx';
import { SearchField, Select } from '../../../../kit/fields.tsx';
import { plural } from '../../../../kit/format.ts';
import { Filters, Page, PageHead } from '../../../../kit/page.tsx';
import { Card, QueryView, Skeleton } from '../../../../kit/panel.tsx';
import { compact } from '../../../../kit/search-params.ts';
import type { RolloutsSearch } from '../../search.ts';
import { RolloutList } from './rollout-list.tsx';
import type { RolloutKind, RolloutStanding } from './standing.ts';
import { useRolloutRows } from './use-rollout-rows.ts';

const route = getRouteApi('/rollouts');
/** Fewer than these of a filter, and older ones are looked for by themselves. */
const ENOUGH = 12;

const STANDINGS: readonly (readonly [RolloutStanding, string])[] = [
  ['open', 'Under way'],
  ['promoted', 'Promoted'],
  ['aborted', 'Aborted'],
  ['rolled-back', 'Rolled back'],
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
  const { query, rows, isWhole, more } = useRolloutRows(search);
  const set = (change: RolloutsSearch): void =>
    void navigate({ search: (now) => compact({ ...now, ...change }), replace: true });
  const open = rows.filter((row) => row.standing === 'open').length;
  const filtered = Object.keys(search).length > 0;
  useEffect(() => {
    if (rows.length < ENOUGH) more?.();
  }, [rows.length, more]);
  const known = endpoints.data?.items ?? [];
  const names = [...new Set(known.map((each) => each.name))];
  const models = [...new Set(known.map((each) => each.model))];
  return (
    <Page>
      <PageHead
        title="Rollouts"
        sentence={
          rows.length === 0 && !filtered
            ? 'A new version gets a little traffic, is compared with the champion on what turned out, and takes over or goes.'
            : `${open === 0 ? 'None' : plural(open, 'rollout')} under way, ${rows.length - open} ended${isWhole ? '' : ' so far'}.`
        }
        actions={
          <Filters>
            <SearchField
              label="Text"
              className="sm:w-48"
              value={search.text ?? ''}
              placeholder="Name or reason"
              onChange={(text) => set({ text: text || undefined })}
            />
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
            {(models.length > 1 || search.model) && (
              <Select
                label="Model"
                value={search.model ?? ''}
                all="All models"
                options={models.map((name) => [name, name] as const)}
                onChange={(model) => set({ model })}
              />
            )}
            <Select
              label="Kind"
              value={search.kind ?? ''}
              all="All kinds"
              options={KINDS}
              onChange={(kind) => set({ kind })}
            />
          </Filters>
        }
      />
      <QueryView query={query} rows={6}>
        {() =>
          rows.length > 0 ? (
            <Card flush className="overflow-hidden">
              <RolloutList rows={rows} />
              <p className="flex flex-wrap items-center gap-3 border-line border-t px-4 py-2 text-label text-muted">
                {more ? <Button onClick={more}>Older rollouts</Button> : `All ${rows.length} shown. `}
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

import { useQuery } from '@tanstack/react-query';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { loopsQuery, turnsQuery } from '../../api/queries.ts';
import { Chooser } from '../../kit/chooser.tsx';
import { Empty } from '../../kit/empty.tsx';
import { Page, PageHead } from '../../kit/page.tsx';
import { Card, QueryView } from '../../kit/panel.tsx';
import { TurnRows } from '../../kit/turn-rows.tsx';

const route = getRouteApi('/turns');

/** What did the loop do, and why? Every go round the circle, newest first. */
export function TurnsScreen() {
  const { loop } = route.useSearch();
  const navigate = useNavigate({ from: '/turns' });
  const loops = useQuery(loopsQuery());
  const turns = useQuery(turnsQuery(loop, 200));
  const names = (loops.data?.items ?? []).map((each) => [each.name, each.name] as const);
  return (
    <Page>
      <PageHead
        title="Turns"
        sentence="Each go round the circle: what started it, how far it went, what came of it."
        actions={
          names.length > 1 && (
            <Chooser
              label="Loop"
              value={loop ?? ''}
              all="All loops"
              options={names}
              onChange={(value) => void navigate({ search: value ? { loop: value } : {} })}
            />
          )
        }
      />
      <Card flush className="overflow-hidden">
        <QueryView
          query={turns}
          rows={8}
          isEmpty={(page) => page.items.length === 0}
          empty={
            <Empty title="No turn yet" type={`millrace apply loop.yaml --url ${location.origin}`}>
              The first turn begins when a loop file is applied. Later ones begin by drift, by lost quality,
              on a schedule, or by hand.
            </Empty>
          }
        >
          {(page) => <TurnRows turns={page.items} withLoop />}
        </QueryView>
      </Card>
    </Page>
  );
}

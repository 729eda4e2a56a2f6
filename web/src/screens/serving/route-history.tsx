import { useQuery } from '@tanstack/react-query';
import type { RouteAction, RouteVersion } from '../../../../src/lifecycle/serving/contract.ts';
import { routeVersionsQuery } from '../../api/queries.ts';
import { EmptyLine } from '../../kit/empty.tsx';
import { FoldedList } from '../../kit/folded-list.tsx';
import { formatPercent } from '../../kit/format.ts';
import { QueryCard } from '../../kit/panel.tsx';
import { Scroll } from '../../kit/scroll.tsx';
import { Ago } from '../../kit/time.tsx';
import { sentence } from '../../kit/turn-text.ts';

const WORDS: Readonly<Record<RouteAction, string>> = {
  declare: 'declared',
  deploy: 'deployed',
  challenge: 'challenged',
  weight: 'shares moved',
  shadow: 'shadow',
  promote: 'promoted',
  rollback: 'rolled back',
  withdraw: 'withdrawn',
  split: 'split',
  standby: 'kept ready',
  switch: 'switched',
  override: 'choice of testers',
  retire: 'retired',
};

function shares(route: RouteVersion): string {
  const arms = route.arms.map((arm) => `v${arm.modelVersion} ${formatPercent(arm.weight)}`);
  return (
    [...arms, ...(route.shadow ? [`v${route.shadow.modelVersion} shadow`] : [])].join(', ') ||
    (route.action === 'retire' ? 'nothing answers' : 'no version yet')
  );
}

/** An endpoint that has traffic already is declared again when its options are changed. */
const wordOf = ({ action, arms }: RouteVersion): string =>
  action === 'declare' && arms.length > 0 ? 'options changed' : (WORDS[action] ?? action);

const isRoutine = ({ action, actor }: RouteVersion): boolean =>
  action === 'weight' && actor.startsWith('system');

function Change(props: { readonly route: RouteVersion }) {
  const { route } = props;
  return (
    <div className="wrap-anywhere grid grid-cols-[minmax(0,1fr)_max-content] gap-x-4">
      <span>
        <span className="font-strong">{sentence(wordOf(route))}</span>{' '}
        <span className="text-muted">{shares(route)}</span>
      </span>
      <Ago at={route.createdAt} className="text-label text-muted" />
      <span className="col-span-2 text-muted">
        <bdi>{sentence(route.reason)}</bdi>
        {!route.actor.startsWith('system') && <>, by {route.actor.replace(/^user:/, '')}</>}
      </span>
    </div>
  );
}

/** Every change of the route, newest first, with who and why. */
export function RouteHistory(props: { readonly endpoint: string }) {
  const routes = useQuery(routeVersionsQuery(props.endpoint));
  return (
    <QueryCard
      title="History"
      note="every change of traffic"
      query={routes}
      flush
      className="overflow-hidden"
      isEmpty={(page) => page.items.length === 0}
      empty={
        <div className="px-4 pb-3">
          <EmptyLine>Nothing has changed yet.</EmptyLine>
        </div>
      }
    >
      {(page) => (
        <Scroll label="Changes of traffic" className="max-h-[520px]">
          <FoldedList
            entries={page.items.toSorted((a, b) => b.version - a.version)}
            isRoutine={isRoutine}
            keyOf={({ version }) => String(version)}
            rowClass="border-line border-t px-4 py-2"
          >
            {(route) => <Change route={route} />}
          </FoldedList>
        </Scroll>
      )}
    </QueryCard>
  );
}

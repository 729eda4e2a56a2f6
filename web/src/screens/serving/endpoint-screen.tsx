import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import type { Endpoint } from '../../../../src/lifecycle/serving/contract.ts';
import type { Loop, TurnSummary } from '../../../../src/loop/contract.ts';
import {
  endpointQuery,
  endpointRolloutsQuery,
  loopsQuery,
  turnQuery,
  turnsQuery,
} from '../../api/queries.ts';
import { wheelOfTurn } from '../../charts/prepare/loop-wheel.ts';
import { EmptyLine } from '../../kit/empty.tsx';
import { behindOf, failingOf, refusedText, trafficText } from '../../kit/endpoints/endpoint-standing.ts';
import { Select } from '../../kit/fields.tsx';
import { plural } from '../../kit/format.ts';
import { Missing } from '../../kit/missing.tsx';
import { Page, PageHead } from '../../kit/page.tsx';
import { Card, QueryCard, QueryView } from '../../kit/panel.tsx';
import { lastRollout } from '../../kit/rollout/turn-rollout.ts';
import { RolloutView } from '../../kit/rollout-view.tsx';
import { compact } from '../../kit/search-params.ts';
import { StateMark } from '../../kit/state-mark.tsx';
import { Ago } from '../../kit/time.tsx';
import { turnWord } from '../../kit/turn-text.ts';
import { Wheel } from '../../kit/wheel.tsx';
import { AskCard } from './ask-card.tsx';
import { EndpointActs } from './endpoint-acts.tsx';
import { KeysCard } from './keys-card.tsx';
import { OptionsCard } from './options-card.tsx';
import { PromoteTo } from './promote-to.tsx';
import { RolloutsCard } from './rollouts/rollouts-card.tsx';
import { RouteHistory } from './route-history.tsx';
import { ShadowCard } from './shadow/shadow-card.tsx';
import { TrafficBar } from './traffic-bar.tsx';
import { TrafficCard } from './traffic-card.tsx';

const route = getRouteApi('/endpoints/$endpoint');

/** Who gets which version now, is the new one better, how do I stop it? */
export function EndpointScreen() {
  const { endpoint: name } = route.useParams();
  const endpoint = useQuery(endpointQuery(name));
  return (
    <Page>
      <QueryView
        query={endpoint}
        rows={8}
        title={name}
        missing={<Missing what="endpoint" name={name} list="/endpoints" listName="Deployment" />}
      >
        {(data) => <EndpointBody endpoint={data} />}
      </QueryView>
    </Page>
  );
}

function EndpointBody(props: { readonly endpoint: Endpoint }) {
  const { endpoint } = props;
  const loops = useQuery(loopsQuery());
  const loop = loops.data?.items.find((each) => each.endpoint === endpoint.name);
  const turns = useQuery({ ...turnsQuery(loop?.name), enabled: loop !== undefined });
  const behind = behindOf(endpoint);
  return (
    <>
      <PageHead
        title={endpoint.name}
        sentence={headline(endpoint, behind.length)}
        actions={
          <>
            <PromoteTo endpoint={endpoint} />
            <EndpointActs endpoint={endpoint} {...(loop ? { loop } : {})} />
          </>
        }
      />
      {endpoint.retiredAt === null ? (
        <Traffic endpoint={endpoint} />
      ) : (
        <RetiredNote endpoint={endpoint} at={endpoint.retiredAt} />
      )}
      {loops.data && <Listening endpoint={endpoint} loop={loop} />}
      {loops.data && !loop && <OwnRollouts endpoint={endpoint} />}
      <Rollout endpoint={endpoint} turns={turns.data?.items ?? []} />
      <TrafficCard endpoint={endpoint} turns={turns.data?.items ?? []} />
      <div className="grid items-start gap-4 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
        <RouteHistory endpoint={endpoint.name} />
        {endpoint.retiredAt === null && (
          <div className="flex min-w-0 flex-col gap-4">
            <AskCard endpoint={endpoint} />
            <OptionsCard endpoint={endpoint} />
            <KeysCard endpoint={endpoint.name} required={endpoint.options.requireKey} />
          </div>
        )}
      </div>
    </>
  );
}

function Traffic(props: { readonly endpoint: Endpoint }) {
  const { endpoint } = props;
  return (
    <Card>
      <TrafficBar endpoint={endpoint} />
      {endpoint.warnings?.map((warning) => (
        <p key={warning} className="flex items-baseline gap-1.5 pt-2">
          <StateMark state="watch" label="" />
          <span className="wrap-anywhere min-w-0">{warning}</span>
        </p>
      ))}
      {behindOf(endpoint).map((replica) => (
        <p key={replica.id} className="pt-2 text-muted">
          {replica.id}:{' '}
          {replica.error ??
            (replica.connected
              ? 'still loads this route'
              : 'away; while it runs it answers with the last route that it knew')}
        </p>
      ))}
    </Card>
  );
}

/** What is left of an endpoint that is out of service, and how it comes back. */
function RetiredNote(props: { readonly endpoint: Endpoint; readonly at: string }) {
  const { name, model } = props.endpoint;
  return (
    <Card>
      <p className="wrap-anywhere">
        Retired <Ago at={props.at} />: callers are told that there is no such endpoint. Its{' '}
        <Link to="/predictions" search={{ endpoint: name }} className="text-accent underline">
          predictions
        </Link>
        , labels and history are kept. Deploy a version of{' '}
        <Link to="/models/$model" params={{ model }} className="text-accent underline">
          {model}
        </Link>{' '}
        to it, and it answers again.
      </p>
    </Card>
  );
}

/** Rollouts of an endpoint without a loop; which one is shown is in the URL. */
function OwnRollouts(props: { readonly endpoint: Endpoint }) {
  const { rollout } = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <RolloutsCard
      endpoint={props.endpoint}
      chosen={rollout}
      onChoose={(id) =>
        void navigate({
          search: ({ rollout: _, ...rest }) => (id ? { ...rest, rollout: id } : rest),
          replace: true,
        })
      }
    />
  );
}

/** A version that listens by itself; the copies of a rollout stand among its own evidence. */
function Listening(props: { readonly endpoint: Endpoint; readonly loop: Loop | undefined }) {
  const { endpoint, loop } = props;
  const { metric, by } = route.useSearch();
  const navigate = route.useNavigate();
  const rollouts = useQuery({ ...endpointRolloutsQuery(endpoint.name), enabled: loop === undefined });
  const rolledOut = loop ? loop.activeTurn !== null : rollouts.data?.items[0]?.endedAt === null;
  if (!endpoint.shadow || rolledOut || (!loop && !rollouts.data)) return null;
  return (
    <ShadowCard
      endpoint={endpoint}
      view={{ metric, by }}
      onView={(view) => void navigate({ search: (now) => compact({ ...now, ...view }), replace: true })}
    />
  );
}

function headline(endpoint: Endpoint, behind: number): string {
  if (endpoint.retiredAt !== null) return 'Retired: nothing answers here.';
  const replicas =
    behind > 0 && endpoint.arms.length > 0
      ? ` ${behind} of ${plural(endpoint.replicas.filter((each) => !each.left).length, 'replica')} ${behind === 1 ? 'is' : 'are'} behind.`
      : '';
  const failing = failingOf(endpoint);
  const { environment } = endpoint.options;
  const place = environment === null ? '' : `${environment}: `;
  return `${place}${trafficText(endpoint)}${replicas}${failing ? ` ${failing.text}` : ''}${refusedText(endpoint)}`;
}

/** The rollout under way, or any earlier one; which is in the URL. */
function Rollout(props: { readonly endpoint: Endpoint; readonly turns: readonly TurnSummary[] }) {
  const { endpoint } = props;
  const { turn: chosen } = route.useSearch();
  const navigate = route.useNavigate();
  const rolled = props.turns.filter(
    (turn) => turn.challengerVersion !== null && turn.championVersion !== null && turn.state !== 'rejected',
  );
  const id = chosen ?? rolled[0]?.id;
  const turn = useQuery({ ...turnQuery(id ?? ''), enabled: id !== undefined });
  if (id === undefined) return null;
  return (
    <QueryCard
      title={
        <span className="inline-flex items-center gap-2.5">
          {turn.data && <Wheel {...wheelOfTurn(turn.data)} size={20} />}
          {turn.data?.finishedAt === null ? 'Rollout' : 'Last rollout'}
          {turn.data && (
            <Link to="/turns/$turnId" params={{ turnId: turn.data.id }} className="font-normal text-accent">
              turn {turn.data.number}: v{turn.data.challengerVersion} {turnWord(turn.data.state)}
            </Link>
          )}
        </span>
      }
      actions={
        <>
          <Link to="/rollouts" search={{ endpoint: endpoint.name }} className="text-accent">
            All rollouts
          </Link>
          {rolled.length > 1 && (
            <Select
              label="Rollout"
              value={id}
              options={rolled.map(
                (each) => [each.id, `v${each.challengerVersion} ${turnWord(each.state)}`] as const,
              )}
              onChange={(value) =>
                void navigate({
                  search: value && value !== rolled[0]?.id ? { turn: value } : {},
                  replace: true,
                })
              }
            />
          )}
        </>
      }
      query={turn}
      rows={5}
    >
      {(data) =>
        lastRollout(data) ? (
          <RolloutView turn={data} />
        ) : (
          <EmptyLine>It has not reached traffic yet: {turnWord(data.state)}.</EmptyLine>
        )
      }
    </QueryCard>
  );
}

import { useQuery } from '@tanstack/react-query';
import type { Endpoint, RouteVersion } from '../../../../src/lifecycle/serving/contract.ts';
import type { Loop } from '../../../../src/loop/contract.ts';
import { endpointRolloutsQuery, modelQuery, routeVersionsQuery } from '../../api/queries.ts';
import { Act } from '../../kit/act.tsx';
import { formatPercent } from '../../kit/format.ts';
import { isPromoted } from './rollouts/course-text.ts';

/**
 * What a person may do to the traffic. With a loop the acts go through it, so that alias, turn and route stay one
 * story: during a rollout the turn is aborted, otherwise the registry's champion goes back and the route follows.
 */
export function EndpointActs(props: { readonly endpoint: Endpoint; readonly loop?: Loop }) {
  const { endpoint, loop } = props;
  // Without a loop the endpoint may serve a model that the registry has never heard of.
  const model = useQuery({ ...modelQuery(endpoint.model), enabled: loop !== undefined });
  const rollouts = useQuery({ ...endpointRolloutsQuery(endpoint.name), enabled: loop === undefined });
  const isRetired = endpoint.retiredAt !== null;
  const routes = useQuery({
    ...routeVersionsQuery(endpoint.name),
    enabled: loop === undefined || isRetired,
  });
  const champion = endpoint.arms.find((arm) => arm.arm === 'champion');
  const challenger = endpoint.arms.find((arm) => arm.arm === 'challenger');
  const standby = endpoint.arms.find((arm) => arm.arm === 'standby');
  const own = `/endpoints/${encodeURIComponent(endpoint.name)}`;
  const turn = loop?.activeTurn;
  const previous =
    loop && !isRetired
      ? model.data?.previousChampion
      : championBefore(champion?.modelVersion, routes.data?.items);
  const isReading = loop ? model.isPending : routes.isPending;
  // A rollout's own acts say what becomes of it; a withdrawal behind its back would only end it without its numbers.
  const [newest] = rollouts.data?.items ?? [];
  const isPossible = loop !== undefined || newest?.endedAt !== null;
  if (isRetired) return previous ? <BringBack endpoint={endpoint} version={previous} /> : null;
  if (!champion) return <Retire endpoint={endpoint} loop={loop} isPossible={isPossible} />;
  // Nor is there a second way back beside that of the rollout, which takes the registry's alias with it.
  const isRollouts = !loop && newest !== undefined && isPromoted(newest, champion.modelVersion);
  return (
    <>
      {loop && <PauseAct loop={loop} />}
      {standby && !isRollouts && (
        <Act
          verb="Switch"
          isPossible={isPossible}
          title={`Switch ${endpoint.name} to v${standby.modelVersion}`}
          path={`${own}/switch`}
          effect={`All traffic goes from v${champion.modelVersion} to v${standby.modelVersion} at once; v${champion.modelVersion} stays loaded, so that switching again goes back.`}
        />
      )}
      {challenger || endpoint.shadow ? (
        <Act
          verb={turn ? 'Roll back' : 'Withdraw'}
          isPossible={isPossible}
          look="danger"
          title={`Take v${challenger?.modelVersion ?? endpoint.shadow?.modelVersion} out of traffic`}
          path={turn ? `/turns/${turn.id}/abort` : `${own}/withdraw`}
          effect={
            challenger
              ? `${formatPercent(challenger.weight)} of traffic returns to v${champion.modelVersion} at once.`
              : `v${endpoint.shadow?.modelVersion} stops listening. No answer changes.`
          }
        />
      ) : isRollouts ? null : (
        <Act
          verb="Roll back"
          isPossible={isPossible}
          look="danger"
          title={`Roll back ${endpoint.name}`}
          path={
            loop ? `/registered-models/${encodeURIComponent(endpoint.model)}/rollback` : `${own}/rollback`
          }
          effect={`100\u202f% of traffic returns from v${champion.modelVersion} to ${previous ? `v${previous}` : 'the champion before it'} at once.`}
          disabled={
            isReading ? 'Looks for an earlier champion' : previous === null && 'There is no earlier champion'
          }
        />
      )}
      <Retire endpoint={endpoint} loop={loop} isPossible={isPossible} />
    </>
  );
}

/** The champion before the present one: null when there was none, undefined while it is not known. */
function championBefore(
  version: string | undefined,
  routes: readonly RouteVersion[] | undefined,
): string | null | undefined {
  const champions = routes
    ?.toSorted((a, b) => b.version - a.version)
    .flatMap((route) => route.arms.filter((arm) => arm.arm === 'champion'));
  return champions && (champions.find((arm) => arm.modelVersion !== version)?.modelVersion ?? null);
}

/** A loop that is not paused would go on with the endpoint. */
function Retire(props: {
  readonly endpoint: Endpoint;
  readonly loop: Loop | undefined;
  readonly isPossible: boolean;
}) {
  const { endpoint, loop, isPossible } = props;
  if (loop && loop.state !== 'paused') return null;
  return (
    <Act
      verb="Retire"
      isPossible={isPossible}
      look="danger"
      method="DELETE"
      title={`Retire ${endpoint.name}`}
      path={`/endpoints/${encodeURIComponent(endpoint.name)}`}
      effect="Callers are told at once that there is no such endpoint, and its models are unloaded. Its log, labels and history stay; a deployment brings it back."
      placeholder="For instance: the trial is over"
    />
  );
}

function BringBack(props: { readonly endpoint: Endpoint; readonly version: string | number }) {
  const { endpoint, version } = props;
  return (
    <Act
      verb="Bring back"
      title={`Bring ${endpoint.name} back`}
      path={`/endpoints/${encodeURIComponent(endpoint.name)}/rollback`}
      effect={`v${version} answers all requests here again, as it did before.`}
    />
  );
}

function PauseAct(props: { readonly loop: Loop }) {
  const paused = props.loop.state === 'paused';
  return (
    <Act
      verb={paused ? 'Resume' : 'Pause'}
      title={`${paused ? 'Resume' : 'Pause'} ${props.loop.name}`}
      path={`/loops/${encodeURIComponent(props.loop.name)}/${paused ? 'resume' : 'pause'}`}
      effect={
        paused
          ? 'A rollout goes on from the step it stands on, and new turns may begin.'
          : 'A rollout stays at its present step: the shares of traffic do not change until it is resumed. No new turn begins.'
      }
    />
  );
}

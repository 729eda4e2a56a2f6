import type { Alert } from '../../../../src/lifecycle/monitoring/contract.ts';
import type { EndpointRollout, Loop } from '../../../../src/loop/contract.ts';
import { concernsNow } from '../../charts/prepare/loop-wheel.ts';
import type { State } from '../../charts/prepare/wheel.ts';
import { plural } from '../../kit/format.ts';
import { firstSentence, humane } from '../../kit/turn-text.ts';

export type Waiting = {
  readonly key: string;
  readonly state: State;
  /** What it is about, and of many all of them. */
  readonly model: string;
  readonly all?: string;
  readonly sentence: string;
  readonly verb: string;
  readonly to: string;
};

const ORDER: Readonly<Record<State, number>> = { bad: 0, watch: 1, running: 2, good: 3, none: 4 };

/** Kinds of alerts that are about a replica, and opened for each of its endpoints. */
const OF_REPLICAS: readonly Alert['kind'][] = [
  'restored',
  'replica-away',
  'replica-clock',
  'replica-hash-key',
];

/** Of a rollout that was aborted the reason alone tells what was wrong, not what came of it. */
function alertText({ kind, modelVersion, reason }: Alert): string {
  const why = firstSentence(reason);
  return kind === 'rollout' ? `the rollout of v${modelVersion} was aborted: ${why}` : why;
}

/**
 * What only a person can settle, worst first.
 *
 * @param alerts those that are not resolved
 * @param rollouts those that have not ended
 */
export function waitingFor(
  loops: readonly Loop[],
  alerts: readonly Alert[],
  rollouts: readonly EndpointRollout[],
): readonly Waiting[] {
  const found: Waiting[] = [];
  for (const loop of loops) {
    const { activeTurn, lastTurn } = loop;
    if (activeTurn?.state === 'awaiting-approval') {
      found.push({
        key: `approve ${activeTurn.id}`,
        state: 'watch',
        model: loop.name,
        sentence: `v${activeTurn.challengerVersion ?? '?'} needs an approval: ${activeTurn.reason}`,
        verb: 'Review',
        to: `/turns/${activeTurn.id}`,
      });
    }
    if (!activeTurn && lastTurn?.state === 'failed') {
      found.push({
        key: `failed ${lastTurn.id}`,
        state: 'bad',
        model: loop.name,
        sentence: `turn ${lastTurn.number} failed: ${lastTurn.reason}`,
        verb: 'Look',
        to: `/turns/${lastTurn.id}`,
      });
    }
    if (loop.state === 'paused') {
      found.push({
        key: `paused ${loop.name}`,
        state: 'watch',
        model: loop.name,
        sentence: 'the loop is paused and starts no turn',
        verb: 'Look',
        to: `/loops/${loop.name}`,
      });
    }
  }
  for (const { id, turn, endpoint, state } of rollouts) {
    // Those of loops are told above.
    if (turn !== null || (state !== 'ready' && state !== 'paused')) continue;
    found.push({
      key: `rollout ${id}`,
      state: 'watch',
      model: endpoint,
      sentence:
        state === 'ready'
          ? 'a rollout has proved its version, and waits for you to promote it'
          : 'a rollout is paused',
      verb: state === 'ready' ? 'Review' : 'Look',
      to: `/endpoints/${encodeURIComponent(endpoint)}?rollout=${id}`,
    });
  }
  const open = alerts.filter((alert) => {
    const loop = loops.find((each) => each.endpoint === alert.endpoint);
    return alert.state === 'open' && (!loop || concernsNow(alert, loop));
  });
  // What is said of a replica is said of each endpoint that it serves: it is one thing to look at.
  const sameOf = ({ id, kind, subject }: Alert): string =>
    OF_REPLICAS.includes(kind) ? `${kind} ${subject}` : id;
  for (const same of Map.groupBy(open, sameOf).values()) {
    const [alert] = same as [Alert];
    const endpoints = same.map(({ endpoint }) => endpoint);
    found.push({
      key: alert.id,
      state: alert.severity,
      model: same.length === 1 ? alert.endpoint : plural(same.length, 'endpoint'),
      ...(same.length === 1 ? {} : { all: endpoints.join(', ') }),
      sentence: alertText(alert),
      verb: 'Look',
      to: `/monitoring?endpoint=${encodeURIComponent(alert.endpoint)}&alert=${alert.id}`,
    });
  }
  return found
    .map((each) => ({ ...each, sentence: humane(each.sentence) }))
    .toSorted((a, b) => ORDER[a.state] - ORDER[b.state]);
}

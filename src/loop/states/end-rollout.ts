import { parseTime } from '../../core/time.ts';
import type { Rollout } from '../contract.ts';
import type { Decision, TurnContext } from '../engine/turn-context.ts';
import { known } from './known.ts';

/** How the route's reason says that a person ended a turn. */
export const abortedBy = 'aborted by ';

/**
 * The end of a rollout that has lost its traffic: a guard in a replica acted within the request, or a person did; null
 * while it has it. A person's abort that was cut off is done to its end, and who aborts knows of it.
 */
export async function endLost(turn: TurnContext, rollout: Rollout) {
  if (rollout.routeVersion === null) return null;
  const version = known(turn.challengerVersion, 'version');
  const what = rollout.stage === 'shadow' ? 'copies' : 'traffic';
  const lost = await turn.ports.serving.lost(turn.endpoint, version, what);
  if (lost === null) return null;
  return lost.startsWith(abortedBy) ? endRollout(turn, rollout, lost) : abortRollout(turn, rollout, lost);
}

/** Harm, or time that is over: the challenger loses its traffic, and an alert tells of it. */
export function abortRollout(turn: TurnContext, rollout: Rollout, why: string): Decision {
  const end = endRollout(turn, rollout, why);
  const act = async () => {
    await end.act();
    await tellAborted(turn, rollout, why);
    return undefined;
  };
  return { ...end, act };
}

/** Opens the alert about a rollout that ended by harm; telling it again changes nothing. */
export async function tellAborted(turn: TurnContext, rollout: Rollout, why: string): Promise<void> {
  const { watermarkMs = turn.nowMs, endpoint, subject } = turn;
  await turn.ports.monitoring.rolloutAborted({
    endpoint,
    modelVersion: String(turn.challengerVersion),
    subject: `turn/${subject}`,
    reason: why,
    beganMs: rollout.beganEventTime === null ? watermarkMs : parseTime(rollout.beganEventTime),
    endedMs: watermarkMs,
  });
}

/** Takes the traffic away from the challenger, at once, and ends the turn. */
export function endRollout(turn: TurnContext, rollout: Rollout, why: string) {
  const version = known(turn.challengerVersion, 'version');
  const reason = `version ${version} rolled back: ${why}`;
  return {
    do: 'move',
    to: 'rolled-back',
    reason,
    act: () => takeTraffic(turn, reason),
    evidence: {
      stage: rollout.stage,
      percent: rollout.percent,
      comparisons: rollout.comparisons,
      guardrails: rollout.guardrails,
    },
    change: {
      rollout: null,
      rolloutHistory: [...turn.data.rolloutHistory, { ...rollout, verdict: 'fail', reason: why }],
    },
  } as const satisfies Decision;
}

/**
 * The champion has all traffic again, also from a challenger whose promotion had given it everything, alias included, and
 * the registry knows of no challenger. What was deleted in the registry meanwhile keeps nobody from it.
 */
export async function takeTraffic(
  turn: Pick<TurnContext, 'ports' | 'endpoint' | 'model' | 'championVersion' | 'challengerVersion'>,
  reason: string,
): Promise<undefined> {
  const { ports, endpoint, model, championVersion, challengerVersion } = turn;
  const why = reason.slice(0, 2000);
  await ports.serving.withdraw(endpoint, why);
  if (championVersion !== null && challengerVersion !== null) {
    if ((await ports.serving.champion(endpoint)) === challengerVersion)
      await ports.serving.giveBack(endpoint, championVersion, why);
    // Otherwise the endpoint would follow the registry back to the challenger.
    await ports.registry.giveBack(model, challengerVersion, championVersion, why);
  }
  await ports.registry.setChallenger(model, null, why);
}

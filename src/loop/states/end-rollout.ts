import { parseTime } from '../../core/time.ts';
import type { Rollout } from '../contract.ts';
import type { Decision, TurnContext } from '../engine/turn-context.ts';
import { known } from './known.ts';

/** Harm, or time that is over: the challenger loses its traffic, and an alert tells of it. */
export async function abortRollout(turn: TurnContext, rollout: Rollout, why: string): Promise<Decision> {
  const decision = await endRollout(turn, rollout, why);
  await tellAborted(turn, rollout, why);
  return decision;
}

/** Opens the alert about a rollout that ended by harm; telling it again changes nothing. */
export async function tellAborted(turn: TurnContext, rollout: Rollout, why: string): Promise<void> {
  const { watermarkMs = turn.nowMs, endpoint, subject } = turn;
  await turn.ports.monitoring.rolloutAborted({
    ...{ endpoint, modelVersion: String(turn.challengerVersion), subject: `turn/${subject}`, reason: why },
    beganMs: rollout.beganEventTime === null ? watermarkMs : parseTime(rollout.beganEventTime),
    endedMs: watermarkMs,
  });
}

/** Takes the traffic away from the challenger, at once, and ends the turn. */
export async function endRollout(turn: TurnContext, rollout: Rollout, why: string): Promise<Decision> {
  const version = known(turn.challengerVersion, 'version');
  const reason = `version ${version} rolled back: ${why}`;
  await turn.ports.serving.withdraw(turn.endpoint, reason.slice(0, 2000));
  await turn.ports.registry.setChallenger(turn.model, null, reason.slice(0, 2000));
  return {
    do: 'move',
    to: 'rolled-back',
    reason,
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
  };
}

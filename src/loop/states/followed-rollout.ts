import type { Clock } from '../../core/time.ts';
import type { TurnContext } from '../engine/turn-context.ts';
import type { Followed } from '../rollouts/live/rollout-watch.ts';
import { liveHarm, rowsOf, watchedId } from './look-at-rollout.ts';
import { specOf } from './rollout-steps.ts';

/**
 * The rollout of a turn, to be followed while it has traffic of the present; none otherwise. Harm that is seen by what
 * comes in is told at once.
 */
export function followedRollout(turn: TurnContext, clock: Clock, harmed: () => void): readonly Followed[] {
  const { rollout, firstRouteVersion } = turn.data;
  if (!turn.live || !hasRollout(turn) || rollout === null || firstRouteVersion === null) return [];
  const spec = specOf(turn, rollout.stage);
  const changed = () => {
    if (liveHarm(at(turn, clock.nowMs())) !== null) harmed();
  };
  const id = watchedId(turn, rollout);
  return [{ id, endpoint: turn.endpoint, spec, ...rowsOf(turn, rollout), changed }];
}

/** The turn at a later time: event time of the present follows the clock. */
function at(turn: TurnContext, nowMs: number): TurnContext {
  const { watermarkMs } = turn;
  return { ...turn, nowMs, watermarkMs: watermarkMs && watermarkMs + nowMs - turn.nowMs };
}

/** Whether a turn has a rollout that may be ended: also while a person is asked about the promotion. */
export function hasRollout({ state, data }: TurnContext): boolean {
  const asked = data.approvals.at(-1);
  const isAsking = asked?.stage === 'promotion' && asked.decision === null;
  return state === 'shadow' || state === 'canary' || (state === 'awaiting-approval' && isAsking);
}

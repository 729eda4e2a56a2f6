import type { Decision, TurnContext } from '../engine/turn-context.ts';
import { firstRollout } from './rollout-steps.ts';

type Move = Extract<Decision, { do: 'move' }>;

/** A challenger is tried beside the champion; a first model has nothing to be compared with and gets all traffic. */
export function goLive(turn: TurnContext, move: Omit<Move, 'do' | 'to'>): Decision {
  if (turn.championVersion === null) return { ...move, do: 'move', to: 'promoting' };
  return { ...move, do: 'move', to: 'shadow', change: { ...move.change, rollout: firstRollout(turn) } };
}

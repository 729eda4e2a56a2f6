import type { TurnState } from '../contract.ts';
import type { StateHandler } from '../engine/turn-context.ts';
import { evaluating, packaging, training } from './building.ts';
import { awaitingApproval, gating } from './deciding.ts';
import { preparing } from './preparing.ts';
import { promoting } from './promoting.ts';
import { refitting } from './refitting.ts';
import { rollingOut } from './rolling-out.ts';

const ended: StateHandler = async () => ({ do: 'wait', what: 'the turn has ended' });

/** What is done in each state of a turn. */
export const stateHandlers: Readonly<Record<TurnState, StateHandler>> = {
  preparing,
  training,
  packaging,
  evaluating,
  gating,
  'awaiting-approval': awaitingApproval,
  refitting,
  shadow: rollingOut,
  canary: rollingOut,
  promoting,
  promoted: ended,
  rejected: ended,
  'rolled-back': ended,
  failed: ended,
  cancelled: ended,
};

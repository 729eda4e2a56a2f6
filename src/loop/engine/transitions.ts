import type { TurnState } from '../contract.ts';

/**
 * The transition table: from each state, the states that a turn may go to. `retry` leads from `failed` back to the
 * state that failed. Whatever is not here is a fault of ours and is refused.
 */
export const transitions: Readonly<Record<TurnState, readonly TurnState[]>> = {
  preparing: ['training', 'failed', 'cancelled'],
  training: ['packaging', 'failed', 'cancelled'],
  packaging: ['evaluating', 'rejected', 'failed', 'cancelled'],
  evaluating: ['gating', 'failed', 'cancelled'],
  gating: ['awaiting-approval', 'refitting', 'shadow', 'promoting', 'rejected', 'failed', 'cancelled'],
  'awaiting-approval': ['refitting', 'shadow', 'promoting', 'rejected', 'rolled-back', 'failed', 'cancelled'],
  refitting: ['shadow', 'promoting', 'rejected', 'failed', 'cancelled'],
  shadow: ['canary', 'rolled-back', 'failed'],
  canary: ['awaiting-approval', 'promoting', 'rolled-back', 'failed'],
  promoting: ['promoted', 'rolled-back', 'failed', 'cancelled'],
  promoted: [],
  rejected: [],
  'rolled-back': [],
  failed: [
    'preparing',
    'training',
    'packaging',
    'evaluating',
    'gating',
    'awaiting-approval',
    'refitting',
    'shadow',
    'promoting',
  ],
  cancelled: [],
};

/** Whether the table lets a turn go from one state to another. */
export function mayGo(from: TurnState, to: TurnState): boolean {
  return transitions[from].includes(to);
}

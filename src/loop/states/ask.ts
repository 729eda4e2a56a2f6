import { formatTime } from '../../core/time.ts';
import type { TurnApproval } from '../contract.ts';
import type { Decision, TurnContext } from '../engine/turn-context.ts';

/** Asks a person. */
export function ask(
  turn: TurnContext,
  stage: TurnApproval['stage'],
  question: string,
  evidence: Readonly<Record<string, unknown>>,
): Decision {
  const approval: TurnApproval = {
    stage,
    askedAt: formatTime(turn.nowMs),
    question,
    decision: null,
    by: null,
    reason: null,
    decidedAt: null,
  };
  return {
    do: 'move',
    to: 'awaiting-approval',
    reason: question,
    evidence,
    change: { approvals: [...turn.data.approvals, approval] },
  };
}

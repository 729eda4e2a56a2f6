import type { TurnGate } from '../contract.ts';
import type { Decision, StateHandler, TurnContext } from '../engine/turn-context.ts';
import { ask } from './ask.ts';
import { abortRollout, endLost, endRollout } from './end-rollout.ts';
import { goLive } from './go-live.ts';
import { known } from './known.ts';
import { lookAtRollout } from './look-at-rollout.ts';

/** `gating`: what the gates' verdicts mean under the loop file's approval rule. */
export const gating: StateHandler = async (turn) => {
  const { verdict, gates } = turn.data;
  const { approval } = turn.file.evaluate;
  const failed = gates.filter((gate) => gate.verdict === 'fail');
  const unsure = gates.filter((gate) => gate.verdict === 'unsure');
  const evidence = { verdict, gates: gates.map(({ name, verdict: result }) => ({ name, verdict: result })) };
  if (verdict === 'fail') {
    return { do: 'move', to: 'rejected', reason: `failed ${texts(failed)}`, evidence };
  }
  if (verdict === 'unsure' && approval === 'never') {
    const reason = `the rows do not decide ${texts(unsure)}, and nobody is asked (approval: never)`;
    return { do: 'move', to: 'rejected', reason, evidence };
  }
  if (verdict === 'unsure') return ask(turn, 'rollout', `The rows do not decide ${texts(unsure)}.`, evidence);
  if (approval === 'always') return ask(turn, 'rollout', 'All gates passed.', evidence);
  const passed = gates.length === 0 ? 'there are no gates' : `passed all ${gates.length} gates`;
  return afterApproval(turn, passed, evidence);
};

/** `awaiting-approval`: a person decides; nothing else is done meanwhile but to watch for harm. */
export const awaitingApproval: StateHandler = async (turn) => {
  const approval = known(turn.data.approvals.at(-1), 'question');
  const lost = approval.stage === 'promotion' && (await endLost(turn, known(turn.data.rollout, 'rollout')));
  if (lost) return lost;
  if (approval.stage === 'promotion' && approval.decision === null) {
    const looked = await lookAtRollout(turn);
    if (looked?.rollout.verdict === 'fail') {
      return abortRollout(turn, looked.rollout, looked.rollout.reason);
    }
    if (looked) {
      return { do: 'note', change: looked, reason: looked.rollout.reason, decides: false };
    }
  }
  const by = `${approval.by}: ${approval.reason}`;
  switch (approval.decision) {
    case null:
      return { do: 'wait', what: `a person to decide. ${approval.question}` };
    case 'approved':
      if (approval.stage === 'rollout') return afterApproval(turn, `approved by ${by}`, {});
      return { do: 'move', to: 'promoting', reason: `approved by ${by}` };
    case 'rejected':
      if (approval.stage === 'rollout') return { do: 'move', to: 'rejected', reason: `rejected by ${by}` };
      return endRollout(turn, known(turn.data.rollout, 'rollout'), `rejected by ${by}`);
  }
};

/** Where the gates and people have let a model through: it is refitted first if the loop file says so. */
function afterApproval(
  turn: TurnContext,
  reason: string,
  evidence: Readonly<Record<string, unknown>>,
): Decision {
  if (turn.file.train.refit) return { do: 'move', to: 'refitting', reason, evidence };
  return goLive(turn, { reason, evidence });
}

function texts(gates: readonly TurnGate[]): string {
  return gates.map((gate) => `${gate.name} (${gate.reason})`).join('; ');
}

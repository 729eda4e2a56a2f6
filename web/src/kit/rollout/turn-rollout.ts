import type { Rollout, Turn } from '../../../../src/loop/contract.ts';
import type { PlanInput } from '../../charts/prepare/step-plan.ts';
import { stateOfTurn } from '../turn-text.ts';
import { needText } from './evidence-text.ts';

/** The present look at a rollout, or the last one when it is over; null when none began. */
export const lastRollout = (turn: Turn): Rollout | null => turn.rollout ?? turn.rolloutHistory.at(-1) ?? null;

/** Where the rollout of a turn stands, for the picture of its steps. */
export function stepsOfTurn(turn: Turn, rollout: Rollout): PlanInput {
  const isBandit = rollout.stage === 'bandit';
  return {
    steps: isBandit ? [Math.round(rollout.percent)] : rollout.steps,
    shadow: rollout.stage === 'shadow' || turn.rolloutHistory.some((each) => each.stage === 'shadow'),
    stage: stageOf(turn),
    end: stateOfTurn(turn.state),
    step: isBandit ? 0 : rollout.step,
    needs: [rollout.requests, rollout.labels, rollout.timeMs],
    note: turn.finishedAt === null ? needText(rollout, rollout.stage) : '',
  };
}

function stageOf(turn: Turn): PlanInput['stage'] {
  if (turn.state === 'promoted' || turn.state === 'promoting') return 'promoted';
  if (turn.finishedAt !== null) return 'stopped';
  const stage = turn.rollout?.stage;
  return stage === 'shadow' || stage === 'canary' ? stage : 'before';
}

import { comparisonText } from '../contract/comparison-text.ts';
import { runStep, type StateHandler, type TurnContext } from '../engine/turn-context.ts';
import { deployOutputsSchema } from '../steps/deploy.ts';
import { endRollout } from './end-rollout.ts';
import { known } from './known.ts';
import { deployInputs } from './rollout-steps.ts';

/** `promoting`: all traffic and the alias go to the challenger, in this order, and monitoring compares with it. */
export const promoting: StateHandler = async (turn) => {
  const first = turn.championVersion === null;
  const reason = first ? 'first model of this loop' : known(lastReason(turn), 'reason');
  const step = await runStep(turn, 'deploy/promote', 'deploy', () =>
    deployInputs(turn, first ? 'deploy' : 'promote', null, reason),
  );
  if (!step.done) return step.decision;
  const version = known(turn.challengerVersion, 'version');
  const { rollout } = turn.data;
  // Somebody may have taken the traffic away since: an abort, cut off amid it, or a deployment by hand.
  const lost = await turn.ports.serving.lost(turn.endpoint, version, 'traffic');
  if (lost !== null && rollout) return endRollout(turn, rollout, lost);
  if (lost !== null) return { do: 'fail', code: 'conflict', message: lost, stepRunId: step.id };
  return {
    do: 'move',
    to: 'promoted',
    act: () => makeChampion(turn, version, reason),
    reason: `version ${version} is champion: ${reason}`,
    evidence: { version, previous: turn.championVersion, ...deployOutputsSchema.parse(step.outputs) },
    change: rollout ? { rollout: null, rolloutHistory: [...turn.data.rolloutHistory, rollout] } : {},
  };
};

async function makeChampion(turn: TurnContext, version: number, reason: string): Promise<undefined> {
  const { ports, model, endpoint, watermarkMs = turn.nowMs } = turn;
  await ports.registry.promote(model, version, reason);
  await ports.monitoring.rolloutPromoted(endpoint, version, watermarkMs);
  await ports.monitoring.addReference(endpoint, {
    version,
    datasetVersionId: known(turn.data.prepared, 'prepared data').datasetVersionId,
    evaluationId: turn.data.evaluationId,
  });
}

function lastReason(turn: TurnContext): string | undefined {
  const { rollout, approvals } = turn.data;
  const approval = approvals.at(-1);
  if (approval?.stage === 'promotion' && approval.reason) return `${approval.by}: ${approval.reason}`;
  const [primary] = rollout?.comparisons ?? [];
  return primary ? comparisonText(primary) : rollout?.reason;
}

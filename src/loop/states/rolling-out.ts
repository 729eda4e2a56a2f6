import type { Rollout } from '../contract.ts';
import { type Decision, runStep, type StateHandler, type TurnContext } from '../engine/turn-context.ts';
import { deployOutputsSchema } from '../steps/deploy.ts';
import { ask } from './ask.ts';
import { abortRollout, endLost } from './end-rollout.ts';
import { known } from './known.ts';
import { lookAtRollout } from './look-at-rollout.ts';
import { deployInputs, splitOf, stepOf } from './rollout-steps.ts';
import { decideShares, isWeighingDue, weighBandit } from './weigh-bandit.ts';

/**
 * `shadow` and `canary`: gives the challenger its traffic, looks at what comes of it, and goes on to the next step,
 * to promotion, or back. Harm is acted on even while the loop is paused.
 */
export const rollingOut: StateHandler = async (turn) => {
  const rollout = known(turn.data.rollout, 'rollout');
  if (rollout.routeVersion === null) return giveTraffic(turn, rollout);
  const lost = await endLost(turn, rollout);
  if (lost) return lost;
  const looked = await lookAtRollout(turn);
  const latest = looked?.rollout ?? rollout;
  if (latest.verdict === 'fail') return abortRollout(turn, latest, latest.reason);
  if (latest.weighing !== null) return weighBandit(turn, latest, latest.weighing);
  if (latest.verdict === 'pass' && !turn.paused) return nextStep(turn, latest);
  if (looked && isWeighingDue(turn, latest)) return decideShares(latest);
  if (looked) {
    return { do: 'note', change: { rollout: latest }, reason: latest.reason, decides: false };
  }
  return { do: 'wait', what: latest.verdict === 'pass' ? 'the loop to be resumed' : latest.reason };
};

async function giveTraffic(turn: TurnContext, rollout: Rollout): Promise<Decision> {
  const { stage, percent, step: index } = rollout;
  const version = known(turn.challengerVersion, 'version');
  const where = stage === 'shadow' ? 'copies of the traffic' : `${percent} % of the traffic`;
  const reason = `version ${version} gets ${where}`;
  const role = index === null ? `deploy/${stage}` : `deploy/${stage}/${index}`;
  const split = stage === 'shadow' ? null : splitOf(turn, stage, percent);
  const step = await runStep(turn, role, 'deploy', () =>
    deployInputs(turn, stage === 'shadow' ? 'mirror' : 'split', split, reason),
  );
  if (!step.done) {
    // Whoever called it off, for harm most of the time, was cut off before the turn's end was written.
    const ended = step.decision.do === 'fail' ? await turn.step(role) : undefined;
    if (ended?.status === 'cancelled') {
      const why = ended.error?.message.replace(/^cancelled: /, '') ?? 'giving it traffic was called off';
      return abortRollout(turn, rollout, why);
    }
    const act = async () => {
      await turn.ports.registry.setChallenger(turn.model, version, `turn ${turn.subject}`);
      return undefined;
    };
    return step.decision.do === 'start' ? { ...step.decision, act } : step.decision;
  }
  const { routeVersion } = deployOutputsSchema.parse(step.outputs);
  const begun: Rollout = { ...stepOf(turn, stage, index, percent, rollout.beganEventTime), routeVersion };
  return {
    do: 'note',
    change: { rollout: begun, firstRouteVersion: turn.data.firstRouteVersion ?? routeVersion },
    reason,
    decides: true,
    evidence: { routeVersion, percent },
  };
}

async function nextStep(turn: TurnContext, passed: Rollout): Promise<Decision> {
  const { bandit, canary } = turn.file.deploy;
  const next = bandit ? null : passed.step === null ? 0 : passed.step + 1;
  const percent = next === null ? bandit?.start : canary.steps[next];
  const rolloutHistory = [...turn.data.rolloutHistory, passed];
  const { requests, labels, comparisons } = passed;
  const evidence = { requests, labels, comparisons };
  if (percent === undefined || passed.stage === 'bandit') {
    const change = { rollout: passed };
    const why = `${passed.stage} passed: ${passed.reason}`;
    if (turn.file.improve.promote === 'auto')
      return { do: 'move', to: 'promoting', reason: why, evidence, change };
    const question = ask(
      turn,
      'promotion',
      `Promote version ${turn.challengerVersion}? The ${why}.`,
      evidence,
    );
    return question.do === 'move' ? { ...question, change: { ...question.change, ...change } } : question;
  }
  const rollout = stepOf(turn, bandit ? 'bandit' : 'canary', next, percent, passed.beganEventTime);
  if (passed.stage === 'shadow') {
    const reason = `shadow passed: ${passed.reason}`;
    return { do: 'move', to: 'canary', reason, evidence, change: { rollout, rolloutHistory } };
  }
  const reason = `${passed.percent} % passed: ${passed.reason}`;
  return { do: 'note', change: { rollout, rolloutHistory }, reason, decides: true, evidence };
}

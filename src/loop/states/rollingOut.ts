import { formatTime, parseTime } from '../../core/time.ts';
import type { Rollout } from '../contract.ts';
import { type Decision, runStep, type StateHandler, type TurnContext } from '../engine/TurnContext.ts';
import { assess, outcomeText } from '../rollout/assess.ts';
import { deployOutputsSchema } from '../steps/deploy.ts';
import { ask } from './ask.ts';
import { known } from './known.ts';

/** Wall time between two looks when event time follows the wall clock. */
const liveLookMs = 10_000;

/**
 * `shadow` and `canary`: gives the challenger its traffic, looks at what comes of it, and goes on to the next step,
 * to promotion, or back. Harm is acted on even while the loop is paused.
 */
export const rollingOut: StateHandler = async (turn) => {
  const rollout = known(turn.data.rollout, 'roll-out');
  if (rollout.routeVersion === null) return giveTraffic(turn, rollout);
  const version = known(turn.challengerVersion, 'version');
  // A guard in a replica acts within the request; the turn follows.
  const lost = rollout.stage === 'canary' ? await turn.ports.serving.lost(turn.endpoint, version) : null;
  if (lost !== null) return endRollout(turn, rollout, lost);
  const looked = await look(turn);
  const latest = looked?.rollout ?? rollout;
  if (latest.verdict === 'fail') return endRollout(turn, latest, latest.reason);
  if (latest.verdict === 'pass' && !turn.paused) return nextStep(turn, latest);
  if (looked) {
    return { do: 'note', change: { rollout: latest }, reason: latest.reason, decides: false };
  }
  return { do: 'wait', what: latest.verdict === 'pass' ? 'the loop to be resumed' : latest.reason };
};

/** `promoting`: all traffic and the alias go to the challenger, in this order, and monitoring compares with it. */
export const promoting: StateHandler = async (turn) => {
  const first = turn.championVersion === null;
  const reason = first ? 'first model of this loop' : known(lastReason(turn), 'reason');
  const step = await runStep(turn, 'deploy/promote', 'deploy', () =>
    deployInputs(turn, first ? 'deploy' : 'promote', null, reason),
  );
  if (!step.done) return step.decision;
  const version = known(turn.challengerVersion, 'version');
  await turn.ports.registry.promote(turn.model, version, reason);
  await turn.ports.monitoring.addReference(turn.endpoint, {
    version,
    datasetVersionId: known(turn.data.prepared, 'prepared data').datasetVersionId,
    evaluationId: turn.data.evaluationId,
  });
  const { rollout } = turn.data;
  return {
    do: 'move',
    to: 'promoted',
    reason: `version ${version} is champion: ${reason}`,
    evidence: { version, previous: turn.championVersion, ...deployOutputsSchema.parse(step.outputs) },
    change: rollout ? { rollout: null, rolloutHistory: [...turn.data.rolloutHistory, rollout] } : {},
  };
};

/** The roll-out before its first step. */
export function firstRollout(turn: TurnContext): Rollout {
  return stepOf(turn, null, 0, null);
}

/** Looks at the present step if anything can have changed since the last look. */
export async function look(turn: TurnContext): Promise<{ readonly rollout: Rollout } | undefined> {
  const rollout = known(turn.data.rollout, 'roll-out');
  if (!isDue(turn, rollout)) return undefined;
  const { deploy } = turn.file;
  const limitMs = deploy.guardrails.maxLatencyP99Ms;
  const outcomes = await turn.ports.feedback.outcomes({
    endpoint: turn.endpoint,
    minRouteVersion: known(turn.data.firstRouteVersion, 'first route'),
    ...(limitMs === undefined ? {} : { slowerThanMs: limitMs }),
  });
  return {
    rollout: assess({
      deploy,
      rollout,
      outcomes,
      championVersion: String(turn.championVersion),
      challengerVersion: String(turn.challengerVersion),
      nowMs: turn.nowMs,
      watermarkMs: turn.watermarkMs,
    }),
  };
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
      outcome: rollout.outcome,
      guardrails: rollout.guardrails,
    },
    change: {
      rollout: null,
      rolloutHistory: [...turn.data.rolloutHistory, { ...rollout, verdict: 'fail', reason: why }],
    },
  };
}

async function giveTraffic(turn: TurnContext, rollout: Rollout): Promise<Decision> {
  const { stage, percent, step: index } = rollout;
  const version = known(turn.challengerVersion, 'version');
  const where = stage === 'shadow' ? 'copies of the traffic' : `${percent} % of the traffic`;
  const reason = `version ${version} gets ${where}`;
  await turn.ports.registry.setChallenger(turn.model, version, `turn ${turn.subject}`);
  const role = stage === 'shadow' ? 'deploy/shadow' : `deploy/canary/${index}`;
  const share = stage === 'shadow' ? null : percent / 100;
  const step = await runStep(turn, role, 'deploy', () =>
    deployInputs(turn, stage === 'shadow' ? 'mirror' : 'split', share, reason),
  );
  if (!step.done) return step.decision;
  const { routeVersion } = deployOutputsSchema.parse(step.outputs);
  const begun: Rollout = { ...stepOf(turn, index, percent, rollout.beganEventTime), routeVersion };
  return {
    do: 'note',
    change: { rollout: begun, firstRouteVersion: turn.data.firstRouteVersion ?? routeVersion },
    reason,
    decides: true,
    evidence: { routeVersion, percent },
  };
}

async function nextStep(turn: TurnContext, passed: Rollout): Promise<Decision> {
  const next = passed.step === null ? 0 : passed.step + 1;
  const percent = turn.file.deploy.canary.steps[next];
  const rolloutHistory = [...turn.data.rolloutHistory, passed];
  const evidence = { requests: passed.requests, labels: passed.labels, outcome: passed.outcome };
  if (percent === undefined) {
    const change = { rollout: passed };
    const why = `canary passed: ${passed.reason}`;
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
  const rollout = stepOf(turn, next, percent, passed.beganEventTime);
  if (passed.stage === 'shadow') {
    const reason = `shadow passed: ${passed.reason}`;
    return { do: 'move', to: 'canary', reason, evidence, change: { rollout, rolloutHistory } };
  }
  const reason = `${passed.percent} % passed: ${passed.reason}`;
  return { do: 'note', change: { rollout, rolloutHistory }, reason, decides: true, evidence };
}

function stepOf(turn: TurnContext, step: number | null, percent: number, began: string | null): Rollout {
  const { shadow, canary } = turn.file.deploy;
  const eventTime = turn.watermarkMs === undefined ? null : formatTime(turn.watermarkMs);
  return {
    stage: step === null ? 'shadow' : 'canary',
    step,
    steps: canary.steps,
    percent,
    routeVersion: null,
    since: formatTime(turn.nowMs),
    sinceEventTime: eventTime,
    beganEventTime: began ?? eventTime,
    assessedAt: null,
    assessedEventTime: null,
    requests: { have: 0, need: step === null ? shadow.minRequests : canary.minRequests },
    labels: { have: 0, need: step === null ? 0 : canary.minLabels },
    timeMs: { have: 0, need: 0 },
    outcome: null,
    guardrails: [],
    verdict: 'waiting',
    reason: 'waits for traffic',
  };
}

function isDue(turn: TurnContext, rollout: Rollout): boolean {
  if (turn.live) {
    return rollout.assessedAt === null || turn.nowMs - parseTime(rollout.assessedAt) >= liveLookMs;
  }
  if (turn.watermarkMs === undefined) return false;
  return rollout.assessedEventTime === null || turn.watermarkMs > parseTime(rollout.assessedEventTime);
}

function deployInputs(
  turn: TurnContext,
  action: 'deploy' | 'mirror' | 'split' | 'promote',
  share: number | null,
  reason: string,
) {
  return {
    action,
    share,
    reason: reason.slice(0, 2000),
    target: {
      endpoint: turn.endpoint,
      model: turn.model,
      version: known(turn.challengerVersion, 'version'),
      digest: known(turn.data.packageDigest, 'package'),
    },
  };
}

function lastReason(turn: TurnContext): string | undefined {
  const { rollout, approvals } = turn.data;
  const approval = approvals.at(-1);
  if (approval?.stage === 'promotion' && approval.reason) return `${approval.by}: ${approval.reason}`;
  return rollout?.outcome ? outcomeText(rollout.outcome) : rollout?.reason;
}

import { createRng } from '../../core/rng.ts';
import { formatTime, parseDuration, parseTime } from '../../core/time.ts';
import type { BanditState, Rollout, RolloutSpec } from '../contract.ts';
import { type Decision, runStep, type StateHandler, type TurnContext } from '../engine/TurnContext.ts';
import { banditPlanOf, planOf } from '../file/planOf.ts';
import type { SplitOptions } from '../ports.ts';
import { deployOutputsSchema } from '../steps/deploy.ts';
import { banditState } from '../verdict/bandit.ts';
import { guardOf } from '../verdict/guardOf.ts';
import { comparisonText, judge } from '../verdict/judge.ts';
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
  const lost = rollout.stage !== 'shadow' ? await turn.ports.serving.lost(turn.endpoint, version) : null;
  if (lost !== null) return abortRollout(turn, rollout, lost);
  const looked = await look(turn);
  const latest = looked?.rollout ?? rollout;
  if (latest.verdict === 'fail') return abortRollout(turn, latest, latest.reason);
  if (latest.verdict === 'pass' && !turn.paused) return nextStep(turn, latest);
  if (looked && isWeighingDue(turn, latest)) return weigh(turn, latest);
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
  const { watermarkMs = turn.nowMs } = turn;
  await turn.ports.monitoring.rolloutPromoted(turn.endpoint, version, watermarkMs);
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
  return stepOf(turn, 'shadow', null, 0, null);
}

/** Looks at the present step if anything can have changed since the last look. */
export async function look(turn: TurnContext): Promise<{ readonly rollout: Rollout } | undefined> {
  const rollout = known(turn.data.rollout, 'roll-out');
  if (!isDue(turn, rollout)) return undefined;
  const { watermarkMs: eventMs, nowMs } = turn;
  const spec = specOf(turn, rollout.stage);
  const rewardAfter = spec.kind === 'bandit' ? spec.rewardAfter : undefined;
  const isZeroed = rewardAfter !== undefined && eventMs !== undefined;
  const championVersion = String(turn.championVersion);
  const seen = await turn.ports.feedback.observe({
    ...{ endpoint: turn.endpoint, spec, championVersion },
    sinceRouteVersion: known(turn.data.firstRouteVersion, 'first route'),
    ...(isZeroed ? { zeroBeforeMs: eventMs - parseDuration(rewardAfter) } : {}),
  });
  const champion = { arm: 'champion', version: championVersion };
  const challenger = { arm: 'challenger', version: String(turn.challengerVersion) };
  const timeOf = (time: string | null) => (time === null ? undefined : parseTime(time));
  const { at, ...judged } = judge({
    ...{ spec, champion, arms: [challenger], seen, nowMs, eventMs },
    stage: rollout.stage,
    percent: rollout.percent,
    nextPercent: rollout.steps[rollout.step === null ? 0 : rollout.step + 1],
    routeVersion: rollout.routeVersion ?? 0,
    isProved: rollout.isProved,
    stepSinceMs: timeOf(rollout.sinceEventTime),
    beganMs: timeOf(rollout.beganEventTime),
  });
  const share = rollout.percent / 100;
  const shares = { champion: 1 - share, challenger: share };
  const bandit =
    spec.kind === 'bandit'
      ? banditState(spec, [champion, challenger], shares, seen, createRng(nowMs))
      : rollout.bandit;
  const assessedEventTime = eventMs === undefined ? null : formatTime(eventMs);
  return { rollout: { ...rollout, ...judged, bandit, assessedAt: at, assessedEventTime } };
}

/** Harm, or time that is over: the challenger loses its traffic, and an alert tells of it. */
export async function abortRollout(turn: TurnContext, rollout: Rollout, why: string): Promise<Decision> {
  const decision = await endRollout(turn, rollout, why);
  await tellAborted(turn, rollout, why);
  return decision;
}

/** Opens the alert about a roll-out that ended by harm; telling it again changes nothing. */
export async function tellAborted(turn: TurnContext, rollout: Rollout, why: string): Promise<void> {
  const { watermarkMs = turn.nowMs, endpoint, subject } = turn;
  await turn.ports.monitoring.rolloutAborted({
    ...{ endpoint, modelVersion: String(turn.challengerVersion), subject: `turn/${subject}`, reason: why },
    beganMs: rollout.beganEventTime === null ? watermarkMs : parseTime(rollout.beganEventTime),
    endedMs: watermarkMs,
  });
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
      comparisons: rollout.comparisons,
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
  const role = index === null ? `deploy/${stage}` : `deploy/${stage}/${index}`;
  const split = stage === 'shadow' ? null : splitOf(turn, stage, percent);
  const step = await runStep(turn, role, 'deploy', () =>
    deployInputs(turn, stage === 'shadow' ? 'mirror' : 'split', split, reason),
  );
  if (!step.done) return step.decision;
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

function stepOf(
  turn: TurnContext,
  stage: Rollout['stage'],
  step: number | null,
  percent: number,
  began: string | null,
): Rollout {
  const { shadow, canary, bandit } = turn.file.deploy;
  const needs = stage === 'bandit' && bandit ? bandit : canary;
  const eventTime = turn.watermarkMs === undefined ? null : formatTime(turn.watermarkMs);
  return {
    stage,
    step,
    steps: bandit ? [] : canary.steps,
    percent,
    routeVersion: null,
    since: formatTime(turn.nowMs),
    sinceEventTime: eventTime,
    beganEventTime: began ?? eventTime,
    // No step is passed to all of the traffic without proof.
    isProved: stage === 'canary' && percent === 100,
    assessedAt: null,
    assessedEventTime: null,
    requests: { have: 0, need: stage === 'shadow' ? shadow.minRequests : needs.minRequests },
    labels: { have: 0, need: stage === 'shadow' ? 0 : needs.minLabels },
    timeMs: { have: 0, need: 0 },
    ...{ arms: [], comparisons: [], guardrails: [], shadow: [], bandit: null, weighedEventTime: null },
    verdict: 'waiting',
    reason: 'waits for traffic',
  };
}

/** The plan by which a stage is judged: the shadow before a bandit is that of a canary. */
function specOf(turn: TurnContext, stage: Rollout['stage']): RolloutSpec {
  const version = known(turn.challengerVersion, 'version');
  const canary = planOf(turn.file, version);
  return stage === 'bandit' ? (banditPlanOf(turn.file, version) ?? canary) : canary;
}

function splitOf(turn: TurnContext, stage: Rollout['stage'], percent: number): SplitOptions {
  const spec = specOf(turn, stage);
  const mirror = spec.kind === 'canary' && spec.mirror && percent < 100;
  return { share: percent / 100, mirror, guard: guardOf(spec) };
}

function isWeighingDue(turn: TurnContext, { stage, bandit, weighedEventTime, sinceEventTime }: Rollout) {
  const { every } = turn.file.deploy.bandit ?? {};
  if (stage !== 'bandit' || !bandit || every === undefined || turn.watermarkMs === undefined) return false;
  if (turn.paused) return false;
  const last = weighedEventTime ?? sinceEventTime;
  return last === null || turn.watermarkMs - parseTime(last) >= parseDuration(every);
}

/** Puts the bandit's shares in force as the next route version. Done again after a crash, it finds them there. */
async function weigh(turn: TurnContext, rollout: Rollout): Promise<Decision> {
  const share = shareOf(known(rollout.bandit ?? undefined, 'bandit'));
  // Traffic is given out in ten-thousandths.
  const percent = Math.round(10_000 * share) / 100;
  const reason = `version ${turn.challengerVersion} gets ${percent.toFixed(1)} % by its rewards`;
  const { target } = deployInputs(turn, 'split', null, reason);
  const routeVersion = await turn.ports.serving.split(target, splitOf(turn, 'bandit', percent), reason);
  const weighedEventTime = turn.watermarkMs === undefined ? null : formatTime(turn.watermarkMs);
  const weighed = { ...rollout, percent, routeVersion, weighedEventTime };
  return { do: 'note', change: { rollout: weighed }, reason: rollout.reason, decides: false };
}

function shareOf({ arms }: BanditState): number {
  return arms.find(({ arm }) => arm === 'challenger')?.share ?? 0;
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
  split: SplitOptions | null,
  reason: string,
) {
  return {
    action,
    split,
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
  const [primary] = rollout?.comparisons ?? [];
  return primary ? comparisonText(primary) : rollout?.reason;
}

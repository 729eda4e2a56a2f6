import { formatDuration, formatTime, parseDuration, parseTime } from '../../core/time.ts';
import type { ArmOutcomes } from '../../lifecycle/feedback/index.ts';
import type { LoopFile, OutcomeComparison, Rollout } from '../contract.ts';
import { compareOutcomes } from './compareOutcomes.ts';
import { guardrails } from './guardrails.ts';

export interface Look {
  readonly deploy: LoopFile['deploy'];
  /** The step as it was at the last look. */
  readonly rollout: Rollout;
  /** Everything since the roll-out began. */
  readonly outcomes: ArmOutcomes;
  readonly championVersion: string;
  readonly challengerVersion: string;
  readonly nowMs: number;
  /** Event time up to which everything is known; undefined before a replay has begun. */
  readonly watermarkMs: number | undefined;
}

/** Error probability of each guardrail, over all looks of a roll-out. */
const guardrailAlpha = 0.001;

/**
 * One look at a roll-out's present step. Harm ends it at any look; it passes only when the step has seen enough
 * requests, labels and event time, and never goes on to all of the traffic before the challenger is known not to
 * be worse. A roll-out that stays undecided past `canary.maxTime` fails: undecided is not good.
 */
export function assess(look: Look): Rollout {
  const { deploy, rollout, outcomes } = look;
  const { canary } = deploy;
  const outcome = compareOutcomes(
    outcomes,
    look.championVersion,
    look.challengerVersion,
    deploy.verdict,
    canary.minLabels,
  );
  const rails = guardrails(
    outcomes.arms,
    look.championVersion,
    look.challengerVersion,
    deploy.guardrails,
    guardrailAlpha,
  );
  const shadow = rollout.stage === 'shadow';
  const seen: Rollout = {
    ...rollout,
    assessedAt: formatTime(look.nowMs),
    assessedEventTime: look.watermarkMs === undefined ? null : formatTime(look.watermarkMs),
    requests: { have: requestsOf(look), need: shadow ? deploy.shadow.minRequests : canary.minRequests },
    labels: { have: outcome.pairs, need: shadow ? 0 : canary.minLabels },
    timeMs: {
      have: elapsedMs(rollout.sinceEventTime, look.watermarkMs),
      need: shadow ? 0 : parseDuration(canary.minTime),
    },
    outcome,
    guardrails: [...rails],
  };
  return { ...seen, ...verdictOf(seen, outcome, look) };
}

function verdictOf(
  seen: Rollout,
  outcome: OutcomeComparison,
  { deploy, rollout, watermarkMs }: Look,
): Pick<Rollout, 'verdict' | 'reason'> {
  const broken = seen.guardrails.find((rail) => rail.verdict === 'fail');
  if (broken) return { verdict: 'fail', reason: `${broken.name}: ${broken.reason}` };
  if (seen.stage === 'canary' && outcome.verdict === 'worse') {
    return { verdict: 'fail', reason: `the challenger is worse: ${outcomeText(outcome)}` };
  }
  const waits = missing(seen, outcome, nextPercent(rollout));
  if (waits.length === 0) return { verdict: 'pass', reason: passText(seen, outcome) };
  const maxMs = parseDuration(deploy.canary.maxTime);
  if (elapsedMs(rollout.beganEventTime, watermarkMs) > maxMs) {
    const reason = `still undecided after ${formatDuration(maxMs)} of event time: ${waits.join(', ')}`;
    return { verdict: 'fail', reason };
  }
  return { verdict: 'waiting', reason: `waits for ${waits.join(', ')}` };
}

/** What a step still lacks before it is passed. */
function missing(seen: Rollout, outcome: OutcomeComparison, next: number | undefined): readonly string[] {
  const waits: string[] = [];
  const more = (have: number, need: number, what: string) => {
    if (have < need) waits.push(`${(need - have).toLocaleString('en-US')} more ${what}`);
  };
  more(seen.requests.have, seen.requests.need, seen.stage === 'shadow' ? 'mirrored requests' : 'requests');
  more(seen.labels.have, seen.labels.need, 'labelled pairs');
  const leftMs = seen.timeMs.need - seen.timeMs.have;
  if (leftMs > 0) waits.push(`${formatDuration(leftMs)} of event time`);
  const allNext = next === undefined || next === 100;
  if (waits.length === 0 && allNext && outcome.verdict !== 'notWorse') {
    waits.push(`proof that the challenger is not worse (${outcomeText(outcome)})`);
  }
  return waits;
}

/** Percent of the step after this one; undefined after the last. */
function nextPercent(rollout: Rollout): number | undefined {
  return rollout.steps[rollout.step === null ? 0 : rollout.step + 1];
}

function requestsOf({ rollout, outcomes, challengerVersion }: Look): number {
  const arm = rollout.stage === 'shadow' ? 'shadow' : 'challenger';
  const since = rollout.routeVersion ?? 0;
  return outcomes.arms
    .filter((a) => a.arm === arm && a.modelVersion === challengerVersion)
    .flatMap((a) => a.strata)
    .filter((stratum) => stratum.routeVersion >= since)
    .reduce((sum, stratum) => sum + stratum.predictions, 0);
}

function elapsedMs(since: string | null, watermarkMs: number | undefined): number {
  if (since === null || watermarkMs === undefined) return 0;
  return Math.max(0, watermarkMs - parseTime(since));
}

function passText(seen: Rollout, outcome: OutcomeComparison): string {
  const requests = seen.requests.have.toLocaleString('en-US');
  if (seen.stage === 'shadow')
    return `${requests} mirrored requests without fault; outcomes are judged in canary`;
  return `${requests} requests at ${seen.percent} % without fault; ${outcomeText(outcome)}`;
}

/** The comparison as people read it. */
export function outcomeText(outcome: OutcomeComparison): string {
  const { difference, low, high, pairs } = outcome;
  if (difference === null) return 'no labelled pair yet';
  const number = (x: number) => `${x >= 0 ? '+' : '−'}${Math.abs(x).toFixed(4)}`;
  const interval = low === null || high === null ? 'no interval yet' : `${number(low)} to ${number(high)}`;
  return `log loss ${number(difference)} (${interval}) on ${pairs.toLocaleString('en-US')} labelled pairs`;
}

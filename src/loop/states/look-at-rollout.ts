import { createRng } from '../../core/rng.ts';
import { formatTime, parseDuration, parseTime } from '../../core/time.ts';
import type { Rollout } from '../contract.ts';
import type { TurnContext } from '../engine/turn-context.ts';
import { banditState } from '../verdict/bandit.ts';
import { judge } from '../verdict/judge.ts';
import { known } from './known.ts';
import { specOf } from './rollout-steps.ts';

/** Wall time between two looks when event time follows the wall clock. */
const liveLookMs = 10_000;

/** Looks at the present step if anything can have changed since the last look. */
export async function lookAtRollout(turn: TurnContext): Promise<{ readonly rollout: Rollout } | undefined> {
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
    sinceMs: parseTime((turn.data.rolloutHistory[0] ?? rollout).since),
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

function isDue(turn: TurnContext, rollout: Rollout): boolean {
  if (turn.live) {
    return rollout.assessedAt === null || turn.nowMs - parseTime(rollout.assessedAt) >= liveLookMs;
  }
  if (turn.watermarkMs === undefined) return false;
  return rollout.assessedEventTime === null || turn.watermarkMs > parseTime(rollout.assessedEventTime);
}

import { formatTime, parseTime } from '../../core/time.ts';
import type { Rollout } from '../contract.ts';
import type { TurnContext } from '../engine/turn-context.ts';
import { banditState } from '../verdict/bandit.ts';
import { judge } from '../verdict/judge.ts';
import type { Observation } from '../verdict/observation.ts';
import { zeroBeforeOf } from '../verdict/observe.ts';
import { known } from './known.ts';
import { specOf } from './rollout-steps.ts';

/** Wall time between two looks when event time follows the wall clock. */
const liveLookMs = 10_000;

/**
 * Looks at the present step if anything can have changed since the last look: by the log now and then, and at any time by
 * what came in, when that says harm.
 */
export async function lookAtRollout(turn: TurnContext): Promise<{ readonly rollout: Rollout } | undefined> {
  const rollout = known(turn.data.rollout, 'rollout');
  const harm = liveHarm(turn);
  if (harm) return { rollout: harm };
  if (!isDue(turn, rollout)) return undefined;
  const { watermarkMs: eventMs } = turn;
  const spec = specOf(turn, rollout.stage);
  const seen = await turn.ports.feedback.observe({
    endpoint: turn.endpoint,
    spec,
    championVersion: String(turn.championVersion),
    sinceRouteVersion: rowsOf(turn, rollout).sinceRouteVersion,
    zeroBeforeMs: zeroBeforeOf(spec, eventMs),
  });
  turn.watch.noteReading(watchedId(turn, rollout), seen);
  const assessed = assess(turn, rollout, seen);
  if (assessed.verdict !== 'waiting' || rollout.routeVersion === null) return { rollout: assessed };
  const behind = await turn.ports.serving.behind(turn.endpoint, rollout.routeVersion);
  return { rollout: { ...assessed, reason: assessed.reason + behind } };
}

/** The rollout as what came in by now has it, when that is harm; null otherwise. */
export function liveHarm(turn: TurnContext): Rollout | null {
  const { rollout } = turn.data;
  const seen = rollout && turn.watch.observation(watchedId(turn, rollout), turn.watermarkMs);
  const assessed = seen && assess(turn, rollout, seen);
  return assessed?.verdict === 'fail' ? assessed : null;
}

/** The step as it is judged by what was seen. */
function assess(turn: TurnContext, rollout: Rollout, seen: Observation): Rollout {
  const { watermarkMs: eventMs, nowMs } = turn;
  const spec = specOf(turn, rollout.stage);
  const champion = { arm: 'champion', version: String(turn.championVersion) };
  const challenger = { arm: 'challenger', version: String(turn.challengerVersion) };
  const timeOf = (time: string | null) => (time === null ? undefined : parseTime(time));
  const { at, ...judged } = judge({
    spec,
    champion,
    arms: [challenger],
    seen,
    nowMs,
    eventMs,
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
      ? banditState(spec, [champion, challenger], shares, seen, rollout.bandit?.changedAt ?? null)
      : rollout.bandit;
  const assessedEventTime = eventMs === undefined ? null : formatTime(eventMs);
  return { ...rollout, ...judged, bandit, assessedAt: at, assessedEventTime };
}

/** As what the watch knows a turn's rollout; the shadow before a bandit is judged by a plan of its own. */
export const watchedId = (turn: TurnContext, { stage }: Rollout): string =>
  `${turn.id}/${specOf(turn, stage).kind}`;

/** Which rows of the log are the rollout's: of all its steps. */
export function rowsOf(turn: TurnContext, rollout: Rollout) {
  return {
    sinceRouteVersion: known(turn.data.firstRouteVersion, 'first route'),
    sinceMs: parseTime((turn.data.rolloutHistory[0] ?? rollout).since),
  };
}

function isDue(turn: TurnContext, rollout: Rollout): boolean {
  if (turn.live) {
    // One that seems to be of the future is of before the clock was put back.
    return rollout.assessedAt === null || Math.abs(turn.nowMs - parseTime(rollout.assessedAt)) >= liveLookMs;
  }
  if (turn.watermarkMs === undefined) return false;
  return rollout.assessedEventTime === null || turn.watermarkMs > parseTime(rollout.assessedEventTime);
}

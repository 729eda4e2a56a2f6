import { parseTime } from '../../core/time.ts';
import type { RolloutLook } from '../contract.ts';
import { judge } from '../verdict/judge.ts';
import type { Observation } from '../verdict/observation.ts';
import type { RolloutData } from './store.ts';

/** One look at a rollout as it stands; `eventMs` is event time now, undefined before a replay has begun. */
export function judgeRollout(
  { spec, step, targets, championVersion, beganEventMs }: RolloutData,
  seen: Observation,
  nowMs: number,
  eventMs: number | undefined,
): RolloutLook {
  const steps = spec.kind === 'canary' ? spec.steps : [];
  return judge({
    spec,
    seen,
    nowMs,
    eventMs,
    champion: { arm: 'champion', version: championVersion },
    arms: targets.map(({ arm, version }) => ({ arm, version })),
    stage: step.stage,
    percent: step.percent,
    nextPercent: steps[step.index === null ? 0 : step.index + 1],
    routeVersion: step.routeVersion,
    isProved: step.isProved,
    stepSinceMs: step.sinceEventTime === null ? undefined : parseTime(step.sinceEventTime),
    beganMs: beganEventMs ?? undefined,
  });
}

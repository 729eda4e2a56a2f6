import { formatTime } from '../../core/time.ts';
import type { Rollout, RolloutSpec } from '../contract.ts';
import type { TurnContext } from '../engine/turn-context.ts';
import { banditPlanOf, planOf } from '../file/plan-of.ts';
import type { SplitOptions } from '../ports.ts';
import { guardOf } from '../verdict/guard-of.ts';
import { known } from './known.ts';

/** The rollout before its first step. */
export function firstRollout(turn: TurnContext): Rollout {
  return stepOf(turn, 'shadow', null, 0, null);
}

/** A step of a rollout that has not begun. */
export function stepOf(
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
    arms: [],
    comparisons: [],
    guardrails: [],
    shadow: [],
    bandit: null,
    weighing: null,
    weighedEventTime: null,
    verdict: 'waiting',
    reason: 'waits for traffic',
  };
}

/** The plan by which a stage is judged: the shadow before a bandit is that of a canary. */
export function specOf(turn: TurnContext, stage: Rollout['stage']): RolloutSpec {
  const version = known(turn.challengerVersion, 'version');
  const canary = planOf(turn.file, version);
  return stage === 'bandit' ? (banditPlanOf(turn.file, version) ?? canary) : canary;
}

/** What the traffic is split by in a stage with this share. */
export function splitOf(turn: TurnContext, stage: Rollout['stage'], percent: number): SplitOptions {
  const spec = specOf(turn, stage);
  const mirror = spec.kind === 'canary' && spec.mirror && percent < 100;
  return { share: percent / 100, mirror, guard: guardOf(spec) };
}

/** Inputs of the step that changes the route. */
export function deployInputs(
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

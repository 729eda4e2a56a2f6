import type { RolloutMetric, RolloutSpec } from '../contract.ts';
import type { ComparedArm } from './compare-arms.ts';
import type { Observation } from './observation.ts';

/** What a look at a rollout rests on. */
export interface Judged {
  readonly spec: RolloutSpec;
  readonly stage: 'shadow' | 'canary' | 'split' | 'bandit';
  /** Percent of the present step and of the next one; undefined after the last. */
  readonly percent: number;
  readonly nextPercent: number | undefined;
  /** The route that the present step is. */
  readonly routeVersion: number;
  /** Whether all was proved when the step began: at 100 % nothing is left to compare with, and it is not asked again. */
  readonly isProved: boolean;
  readonly champion: ComparedArm;
  readonly arms: readonly ComparedArm[];
  readonly seen: Observation;
  /** Event time now, and when the step and the rollout began; undefined before a replay has begun: no time has passed. */
  readonly eventMs: number | undefined;
  readonly stepSinceMs: number | undefined;
  readonly beganMs: number | undefined;
  /** Wall clock of the look. */
  readonly nowMs: number;
}

/** Nobody is harmed by a copy, so a shadow is not judged by outcomes, but for one that all of the traffic comes after. */
export function judgesOutcomes({ stage, nextPercent }: Judged): boolean {
  return stage !== 'shadow' || nextPercent === 100;
}

/** Event time passed since; none before a replay has begun. */
export function elapsedMs(sinceMs: number | undefined, eventMs: number | undefined): number {
  return sinceMs === undefined || eventMs === undefined ? 0 : Math.max(0, eventMs - sinceMs);
}

/** Whether a metric is compared on the same requests. Fixed by the plan, not by what the data look like. */
export function isPaired(spec: RolloutSpec, metric: RolloutMetric): boolean {
  return spec.kind === 'canary' && spec.mirror && metric !== 'outcome';
}

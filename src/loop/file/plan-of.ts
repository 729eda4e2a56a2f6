import type { BanditSpec, CanarySpec, LoopFile } from '../contract.ts';

/** How a loop file has a version rolled out: as a rollout's plan, by which every rollout is judged. */
export function planOf(file: LoopFile, version: number): CanarySpec {
  const { bandit, canary, shadow } = file.deploy;
  const { steps, minRequests, minLabels, minTime, mirror } = canary;
  // Of a bandit it is the shadow before it.
  const { maxTime } = bandit ?? canary;
  return {
    kind: 'canary',
    version,
    shadow,
    steps,
    minRequests,
    minLabels,
    minTime,
    maxTime,
    mirror,
    ...judging(file),
    metric: file.deploy.verdict.metric ?? 'logLoss',
    promote: file.improve.promote === 'auto' ? 'auto' : 'manual',
  };
}

/** The same with shares that follow the rewards; undefined unless the file says so. */
export function banditPlanOf(file: LoopFile, version: number): BanditSpec | undefined {
  const { bandit } = file.deploy;
  if (!bandit) return undefined;
  const { reward, start: _, ...rest } = bandit;
  return {
    kind: 'bandit',
    arms: [{ arm: 'challenger', version }],
    ...rest,
    ...judging(file),
    metric: reward,
    promote: file.improve.promote === 'auto' ? 'auto' : 'manual',
  };
}

function judging({ deploy, evaluate, business }: LoopFile) {
  const { verdict, guardrails, segments, segmentMargin } = deploy;
  const { metrics, ...limits } = guardrails;
  const { alpha, margin, prove } = verdict;
  return {
    alpha,
    margin,
    prove,
    segments,
    segmentMargin,
    threshold: evaluate.threshold,
    guardrails: metrics,
    ...(business.value ? { value: business.value } : {}),
    ...limits,
    // A loop has its own cool-down, from turn to turn, and moves its model's champion itself.
    cooldown: '0s',
    alias: null,
  };
}

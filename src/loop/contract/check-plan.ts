import type { z } from 'zod';
import { parseDuration } from '../../core/time.ts';
import type { BanditSpec, RolloutMetric, RolloutSpec, ShadowPlan } from './plan.ts';

/** Traffic is given out in hundredths of a percent: a smaller share would be nobody's. */
const leastPercent = 0.01;
/** Metrics of each request that lie between 0 and 1, so that nothing is worse than by 1. */
const withinOne: readonly RolloutMetric[] = ['accuracy', 'brier'];
const mostSteps = 100;
const longest = '3650d';

/** What is wrong with a plan, and where in it. */
interface PlanProblem {
  readonly path: (string | number)[];
  readonly problem: string;
}

/** Refuses what `planProblems` finds: in what a person begins, not in what was begun before. Browser-safe. */
export function checkPlan(plan: RolloutSpec, context: z.RefinementCtx): void {
  for (const { path, problem } of planProblems(plan)) {
    context.addIssue({ code: 'custom', path, message: problem });
  }
}

/**
 * What is well written, but can only end in nobody answered, in an abort, or in a promotion that is refused.
 *
 * @param shadow what goes before it: a canary's own, and in a loop also that before a bandit
 */
export function planProblems(
  plan: RolloutSpec,
  shadow: Pick<ShadowPlan, 'minTime'> | null = plan.kind === 'canary' ? plan.shadow : null,
): readonly PlanProblem[] {
  const problems: PlanProblem[] = [];
  const refuse = (path: (string | number)[], problem: string): void => {
    problems.push({ path, problem });
  };
  if (typeof plan.alias === 'string' && !isAlias(plan.alias)) {
    const rule = 'expected letters, digits, _ or -, and neither "latest" nor "v" with a number';
    refuse(['alias'], `${rule}, not "${plan.alias}"; null moves no alias`);
  }
  for (const at of repeated(plan.segments))
    refuse(['segments', at], `expected each feature once, not "${plan.segments[at]}" again`);
  const guarded = plan.guardrails.map((g) => g.metric);
  for (const at of repeated(guarded))
    refuse(
      ['guardrails', at, 'metric'],
      `expected each metric once, with one margin, not "${guarded[at]}" again`,
    );
  const margins = [
    { path: ['margin'], metric: plan.metric, margin: plan.margin },
    ...(plan.segments.length === 0
      ? []
      : [{ path: ['segmentMargin'], metric: plan.metric, margin: plan.segmentMargin }]),
    ...plan.guardrails.map(({ metric, margin }, i) => ({
      path: ['guardrails', i, 'margin'],
      metric,
      margin,
    })),
  ];
  for (const { path, metric, margin } of margins)
    if (withinOne.includes(metric) && margin >= 1)
      refuse(
        path,
        `expected less than 1, not ${margin}: ${metric} lies between 0 and 1, so any version would pass; 0.02 are two percentage points`,
      );
  const tooSmall = (percent: number): string =>
    `expected at least ${leastPercent} (percent of the traffic), not ${percent}`;
  if (plan.kind === 'canary') {
    if (plan.steps.length > mostSteps)
      refuse(['steps'], `expected at most ${mostSteps} steps, not ${plan.steps.length}`);
    const small = plan.steps.findIndex((step) => step < leastPercent);
    if (small >= 0) refuse(['steps', small], tooSmall(plan.steps[small] ?? 0));
  }
  if (plan.kind === 'split') {
    for (const [i, { percent }] of plan.arms.entries())
      if (percent < leastPercent) refuse(['arms', i, 'percent'], tooSmall(percent));
    const rest = 100 - plan.arms.reduce((sum, { percent }) => sum + percent, 0);
    if (rest > 0 && Math.round(rest / leastPercent) < 1)
      refuse(
        ['arms'],
        `expected to leave the champion at least ${leastPercent} percent, not ${Number(rest.toPrecision(6))}`,
      );
  }
  if (plan.kind === 'bandit') for (const { path, problem } of banditProblems(plan)) refuse(path, problem);
  const times = [
    { path: ['minTime'], text: plan.minTime },
    { path: ['maxTime'], text: plan.maxTime },
    { path: ['cooldown'], text: plan.cooldown },
    ...(shadow ? [{ path: ['shadow', 'minTime'], text: shadow.minTime }] : []),
    ...(plan.kind === 'bandit' ? [{ path: ['every'], text: plan.every }] : []),
    ...(plan.kind === 'bandit' && plan.rewardAfter !== undefined
      ? [{ path: ['rewardAfter'], text: plan.rewardAfter }]
      : []),
  ];
  const overlong = times.filter(({ text }) => isOverlong(text));
  for (const { path, text } of overlong) refuse(path, overlongText(text));
  if (overlong.length > 0) return problems;
  const steps = plan.kind === 'canary' ? plan.steps.length : 1;
  const leastMs = steps * parseDuration(plan.minTime) + (shadow ? parseDuration(shadow.minTime) : 0);
  if (leastMs < parseDuration(plan.maxTime)) return problems;
  const needs = steps === 1 ? `minTime is "${plan.minTime}"` : `${steps} steps of minTime "${plan.minTime}"`;
  const listens = shadow ? `, after a shadow of minTime "${shadow.minTime}"` : '';
  refuse(
    ['maxTime'],
    `expected more time than the plan needs (${needs}${listens}), not "${plan.maxTime}": it would be aborted`,
  );
  return problems;
}

/** Shares that cannot move, or that would move with each look. */
function banditProblems({
  floor,
  maxChange,
  every,
  rewardAfter,
  maxTime,
  arms,
}: BanditSpec): readonly PlanProblem[] {
  const least = leastPercent / 100;
  const problems: PlanProblem[] = [];
  for (const [name, share] of Object.entries({ floor, maxChange }))
    if (share < least)
      problems.push({
        path: [name],
        problem: `expected at least ${least} (a share of the traffic), not ${share}`,
      });
  const all = arms.length + 1;
  if (Math.abs(floor * all - 1) < 1e-9) {
    const problem = `expected less than 1/${all}, not ${floor}: all ${all} arms would keep that share for good`;
    problems.push({ path: ['floor'], problem });
  }
  for (const [name, text] of Object.entries({ every, rewardAfter }))
    if (text !== undefined && parseDuration(text) === 0)
      problems.push({ path: [name], problem: `expected more than no time, e.g. 10m, not "${text}"` });
  if (!isOverlong(every) && parseDuration(every) >= parseDuration(maxTime)) {
    const problem = `expected less than maxTime "${maxTime}", not "${every}": the shares would never change`;
    problems.push({ path: ['every'], problem });
  }
  return problems;
}

/** Places of texts that were there before. */
function repeated(texts: readonly string[]): readonly number[] {
  return texts.flatMap((text, at) => (texts.indexOf(text) < at ? [at] : []));
}

/** Whether a duration is longer than anything that is waited for. */
export const isOverlong = (duration: string): boolean => parseDuration(duration) > parseDuration(longest);
export const overlongText = (duration: string): string => `expected at most ${longest}, not "${duration}"`;

/** The registry's rule of aliases; `latest` and `v3` mean versions. */
const isAlias = (name: string): boolean => /^[\p{L}\p{N}_-]+$/u.test(name) && !/^(latest|v\d+)$/i.test(name);

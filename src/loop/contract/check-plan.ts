import type { z } from 'zod';
import { parseDuration } from '../../core/time.ts';
import type { RolloutSpec, ShadowPlan } from './plan.ts';

/** Traffic is given out in hundredths of a percent: a smaller share would be nobody's. */
const leastPercent = 0.01;
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
  const tooSmall = (percent: number): string =>
    `expected at least ${leastPercent} (percent of the traffic), not ${percent}`;
  if (plan.kind === 'canary') {
    if (plan.steps.length > mostSteps)
      refuse(['steps'], `expected at most ${mostSteps} steps, not ${plan.steps.length}`);
    const small = plan.steps.findIndex((step) => step < leastPercent);
    if (small >= 0) refuse(['steps', small], tooSmall(plan.steps[small] ?? 0));
  }
  if (plan.kind === 'split')
    for (const [i, { percent }] of plan.arms.entries())
      if (percent < leastPercent) refuse(['arms', i, 'percent'], tooSmall(percent));
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

/** Whether a duration is longer than anything that is waited for. */
export const isOverlong = (duration: string): boolean => parseDuration(duration) > parseDuration(longest);
export const overlongText = (duration: string): string => `expected at most ${longest}, not "${duration}"`;

/** The registry's rule of aliases; `latest` and `v3` mean versions. */
const isAlias = (name: string): boolean => /^[\p{L}\p{N}_-]+$/u.test(name) && !/^(latest|v\d+)$/i.test(name);

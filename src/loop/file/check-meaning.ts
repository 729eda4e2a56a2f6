import { MillraceError } from '../../core/errors.ts';
import { gateSchema } from '../../lifecycle/evaluation/index.ts';
import { firstCronMs } from '../../platform/jobs/index.ts';
import { isOverlong, overlongText, planProblems } from '../contract/check-plan.ts';
import type { LoopFile, RolloutMetric } from '../contract.ts';
import type { FileProblem } from './parse-loop-file.ts';
import { banditPlanOf, planOf } from './plan-of.ts';

/** What a well-formed loop file still gets wrong: unknown metrics, causes without their numbers, bad cron lines. */
export function checkMeaning(file: LoopFile): readonly FileProblem[] {
  return [
    ...gateProblems(file),
    ...deployProblems(file),
    ...rolloutProblems(file),
    ...timeProblems(file),
    ...causeProblems(file),
  ];
}

/** What can only end in an abort, by the plans that the file makes; a plan's shadow has a block of its own. */
function rolloutProblems(file: LoopFile): readonly FileProblem[] {
  const bandit = banditPlanOf(file, 1);
  const plan = bandit ?? planOf(file, 1);
  const pathOf = (path: readonly (string | number)[]) => {
    const [key = '', ...rest] = path;
    if (key === 'guardrails') return [key, 'metrics', ...rest];
    if (key === 'margin') return ['verdict', key];
    return ownKeys.includes(key) ? path : [bandit ? 'bandit' : 'canary', ...path];
  };
  return planProblems(plan, file.deploy.shadow).map(({ path, problem }) => ({
    path: ['deploy', ...pathOf(path)],
    problem,
  }));
}

/** Keys of a plan that are keys of `deploy` as well. */
const ownKeys: readonly (string | number)[] = ['shadow', 'segments', 'segmentMargin'];

function timeProblems({ data, train, improve }: LoopFile): readonly FileProblem[] {
  const times = [
    { path: ['data', 'label', 'delay'], text: data.label.delay },
    { path: ['train', 'timeout'], text: train.timeout },
    { path: ['improve', 'retrain', 'cooldown'], text: improve.retrain.cooldown },
    { path: ['improve', 'retrain', 'window'], text: improve.retrain.window },
  ];
  return times
    .filter(({ text }) => isOverlong(text))
    .map(({ path, text }) => ({ path, problem: overlongText(text) }));
}

function gateProblems(file: LoopFile): readonly FileProblem[] {
  return file.evaluate.gates.flatMap((gate, i) => {
    const parsed = gateSchema.safeParse(gate);
    if (parsed.success) return [];
    const problem = parsed.error.issues[0]?.message ?? 'is not a gate';
    return [{ path: ['evaluate', 'gates', i], problem }];
  });
}

function deployProblems({ deploy, business }: LoopFile): readonly FileProblem[] {
  const { bandit, verdict, guardrails } = deploy;
  const problems: FileProblem[] = [];
  const asks: readonly (readonly [RolloutMetric | undefined, readonly (string | number)[]])[] = [
    [verdict.metric, ['deploy', 'verdict', 'metric']],
    [bandit?.reward, ['deploy', 'bandit', 'reward']],
    ...guardrails.metrics.map(
      ({ metric }, i) => [metric, ['deploy', 'guardrails', 'metrics', i, 'metric']] as const,
    ),
  ];
  for (const [metric, path] of asks) {
    if (metric !== 'value' || business.value) continue;
    problems.push({
      path: [...path],
      problem: 'is "value"; say under business.value what decisions are worth',
    });
  }
  if (bandit && verdict.metric !== undefined && verdict.metric !== bandit.reward) {
    const problem = `is "${verdict.metric}", but a bandit is judged by its reward, "${bandit.reward}"`;
    problems.push({ path: ['deploy', 'verdict', 'metric'], problem });
  }
  if (bandit?.reward === 'value' && bandit.rewards === 'beta') {
    const problem = 'is beta, for rewards between 0 and 1; the reward "value" needs gaussian';
    problems.push({ path: ['deploy', 'bandit', 'rewards'], problem });
  }
  return problems;
}

function causeProblems(file: LoopFile): readonly FileProblem[] {
  const { on, schedule, labels } = file.improve.retrain;
  const at = (key: string) => ['improve', 'retrain', key];
  const problems: FileProblem[] = [];
  if (on.includes('schedule') && schedule === undefined) {
    problems.push({
      path: at('schedule'),
      problem: 'is missing; "on" has schedule, e.g. schedule: 0 0 1 * *',
    });
  }
  if (on.includes('labels') && labels === undefined) {
    problems.push({ path: at('labels'), problem: 'is missing; "on" has labels, e.g. labels: 5000' });
  }
  if (schedule !== undefined) {
    if (!on.includes('schedule')) {
      problems.push({ path: at('schedule'), problem: 'is never used; add schedule to "on"' });
    }
    try {
      firstCronMs(schedule, 'UTC', 0);
    } catch (error) {
      const problem = error instanceof MillraceError ? String(error.params.problem) : 'is not a cron line';
      problems.push({ path: at('schedule'), problem: `${problem}; write five fields, e.g. 0 0 1 * *` });
    }
  }
  if (labels !== undefined && !on.includes('labels')) {
    problems.push({ path: at('labels'), problem: 'is never used; add labels to "on"' });
  }
  return problems;
}

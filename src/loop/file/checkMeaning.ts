import { MillraceError } from '../../core/errors.ts';
import { gateSchema } from '../../lifecycle/evaluation/index.ts';
import { nextCronMs } from '../../platform/jobs/index.ts';
import type { LoopFile } from '../contract.ts';
import type { FileProblem } from './parseLoopFile.ts';

/** What a well-formed loop file still gets wrong: unknown metrics, causes without their numbers, bad cron lines. */
export function checkMeaning(file: LoopFile): readonly FileProblem[] {
  return [...gateProblems(file), ...causeProblems(file)];
}

function gateProblems(file: LoopFile): readonly FileProblem[] {
  return file.evaluate.gates.flatMap((gate, i) => {
    const parsed = gateSchema.safeParse(gate);
    if (parsed.success) return [];
    const problem = parsed.error.issues[0]?.message ?? 'is not a gate';
    return [{ path: ['evaluate', 'gates', i], problem }];
  });
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
      nextCronMs(schedule, 'UTC', 0);
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

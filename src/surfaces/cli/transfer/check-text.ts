import type { ExperimentCheck } from '../contract.ts';
import { count, short } from '../format/text.ts';
import type { ImportOutcome } from './import-all.ts';

/** One line of the comparison: an experiment, or a registered model. */
interface CheckRow {
  readonly what: string;
  readonly id: string;
  readonly runs: string;
  readonly points: string;
  readonly models: string;
  readonly files: string;
  readonly sourceDigest: string;
  readonly targetDigest: string;
  readonly agrees: boolean;
}

const both = (source: number, target: number): string => {
  const text = (n: number): string => n.toLocaleString('en-US');
  return source === target ? text(source) : `${text(source)}≠${text(target)}`;
};

/** The lines of the comparison; a number that differs is shown from both sides. */
export function checkRows(checks: readonly ExperimentCheck[], outcome: ImportOutcome): readonly CheckRow[] {
  const experiments = checks.map((check) => {
    const { source, target } = check;
    return {
      what: check.name,
      id: check.experimentId,
      runs: both(source.runs, target.runs),
      points: both(source.points, target.points),
      models: both(source.models, target.models),
      files: both(source.files, target.files),
      sourceDigest: short(source.digest),
      targetDigest: short(target.digest),
      agrees: source.digest === target.digest && check.differences.length === 0,
    };
  });
  const models = outcome.registeredModels.map((model) => ({
    what: `registered model ${model.name}`,
    id: '',
    runs: '',
    points: '',
    models: both(model.versions, model.versionsHere),
    files: '',
    sourceDigest: short(model.sourceDigest),
    targetDigest: short(model.targetDigest),
    agrees: model.sourceDigest === model.targetDigest,
  }));
  return [...experiments, ...models];
}

/** What people should know beside the table: new ids, experiments that took runs in, and what differs. */
export function checkText(checks: readonly ExperimentCheck[], outcome: ImportOutcome): readonly string[] {
  const lines: string[] = [];
  for (const { name, sourceId, id, outcome: how } of outcome.experiments) {
    if (how === 'new-id' && sourceId !== name)
      lines.push(`Experiment "${name}" has the id ${id} here; it was ${sourceId}.`);
    if (how === 'merged')
      lines.push(`Experiment "${name}" was here already (id ${id}) and took the runs in.`);
  }
  for (const { name, differences } of checks) {
    for (const { kind, id, what } of differences) lines.push(`"${name}": ${kind} ${id}: ${what.join(', ')}`);
  }
  for (const model of outcome.registeredModels) {
    if (!model.owned)
      lines.push(`A registered model ${model.name} was here before; what it had was left as it is.`);
  }
  if (outcome.filesElsewhere > 0) {
    lines.push(
      `The files of ${count(outcome.filesElsewhere, 'run or model', 'runs and models')} could not be read from here and stay where they are (--artifacts, or credentials for S3).`,
    );
  }
  return [...lines, ...outcome.problems];
}

import type { CommandCall } from '../command.ts';
import type { ExperimentCheck } from '../contract.ts';
import { table } from '../format/table.ts';
import { bytes, count } from '../format/text.ts';
import { checkRows, checkText } from './check-text.ts';
import { type ImportOutcome, importAll } from './import-all.ts';
import { ImportTarget } from './import-target.ts';
import { planText } from './plan-text.ts';
import { Progress } from './progress.ts';
import type { TransferSource } from './transfer-source.ts';

/**
 * Brings a source into the server, compares both sides and prints the comparison.
 *
 * @returns 0 when both sides agree, 1 with what differs when not
 */
export async function runImport(call: CommandCall, source: TransferSource): Promise<number> {
  const named = call.all('experiment');
  const only = named.length > 0 ? named : undefined;
  try {
    if (call.has('dry-run')) {
      await planText(call, source, only);
      return 0;
    }
    const target = await ImportTarget.start(call.api, source.name);
    const progress = new Progress(call.note);
    const outcome = await importAll(source, target, only, progress);
    return await compare(call, target, outcome);
  } finally {
    await source.close();
  }
}

async function compare(call: CommandCall, target: ImportTarget, outcome: ImportOutcome): Promise<number> {
  const checks: ExperimentCheck[] = [];
  for (const id of new Set(outcome.experiments.map((experiment) => experiment.id))) {
    checks.push(await target.check(id));
  }
  const rows = checkRows(checks, outcome);
  const agrees = rows.every((row) => row.agrees) && outcome.problems.length === 0;
  const sum = (pick: (check: ExperimentCheck) => number) =>
    checks.reduce((total, check) => total + pick(check), 0);
  const counts = {
    experiments: outcome.experiments.length,
    runs: sum((check) => check.target.runs),
    points: sum((check) => check.target.points),
    loggedModels: sum((check) => check.target.models),
    files: sum((check) => check.target.files),
    sizeBytes: sum((check) => check.target.sizeBytes),
    registeredModels: outcome.registeredModels.length,
    versions: outcome.registeredModels.reduce((total, model) => total + model.versions, 0),
  };
  await target.finish(agrees, counts);
  const answer = { source: target.source, import: target.id, agrees, counts, checks, ...outcome };
  call.show(answer, () =>
    [
      table(
        [
          { head: 'experiment', value: (row) => row.what },
          { head: 'id', value: (row) => row.id },
          { head: 'runs', value: (row) => row.runs, align: 'right' },
          { head: 'points', value: (row) => row.points, align: 'right' },
          { head: 'models', value: (row) => row.models, align: 'right' },
          { head: 'files', value: (row) => row.files, align: 'right' },
          { head: 'source', value: (row) => row.sourceDigest },
          { head: 'here', value: (row) => row.targetDigest },
          { head: '', value: (row) => (row.agrees ? 'equal' : 'DIFFERS') },
        ],
        rows,
        call.width,
      ),
      ...checkText(checks, outcome),
      agrees
        ? `All of ${target.source} is here: ${count(counts.runs, 'run')}, ${count(counts.points, 'point')}, ${count(counts.files, 'file')} (${bytes(counts.sizeBytes)}), ${count(counts.versions, 'model version')}.`
        : `What came from ${target.source} differs from what is here.`,
    ].join('\n'),
  );
  return agrees ? 0 : 1;
}

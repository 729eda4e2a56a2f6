import type { CommandCall } from '../command.ts';
import { transferExperimentSchema } from '../contract.ts';
import { table } from '../format/table.ts';
import { count } from '../format/text.ts';
import { checkNames } from './check-names.ts';
import type { TransferSource } from './transfer-source.ts';

interface PlannedExperiment {
  readonly id: string;
  readonly name: string;
  readonly lifecycleStage: string;
  readonly runs: number;
  readonly models: number;
  /** Its id here, or how it gets one. */
  readonly becomes: string;
}

/** Says what an import would bring, and changes nothing. */
export async function planText(
  call: CommandCall,
  source: TransferSource,
  only: readonly string[] | undefined,
): Promise<void> {
  const everything = Number.POSITIVE_INFINITY;
  const here = (await call.api.list('exports/experiments', transferExperimentSchema, everything)).items;
  const names = new Map(here.map((experiment) => [experiment.name, experiment.id]));
  const ids = new Set(here.map((experiment) => experiment.id));
  const rows: PlannedExperiment[] = [];
  const there = new Set<string>();
  for await (const experiment of source.experiments()) {
    there.add(experiment.name);
    if (only !== undefined && !only.includes(experiment.name)) continue;
    let runs = 0;
    let models = 0;
    for await (const _ of source.runs(experiment.id)) runs++;
    for await (const _ of source.models(experiment.id)) models++;
    const present = names.get(experiment.name);
    const becomes =
      present !== undefined ? `joins ${present}` : ids.has(experiment.id) ? 'a new id' : experiment.id;
    const { id, name, lifecycleStage } = experiment;
    rows.push({ id, name, lifecycleStage, runs, models, becomes });
  }
  checkNames(only, there);
  const registered: { name: string; versions: number }[] = [];
  for await (const { name, versions } of source.registeredModels()) {
    registered.push({ name, versions: versions.filter((version) => !version.deleted).length });
  }
  call.show({ source: source.name, experiments: rows, registeredModels: registered }, () =>
    [
      table(
        [
          { head: 'experiment', value: (row) => row.name },
          { head: 'id', value: (row) => row.id, align: 'right' },
          { head: 'stage', value: (row) => row.lifecycleStage },
          { head: 'runs', value: (row) => row.runs, align: 'right' },
          { head: 'models', value: (row) => row.models, align: 'right' },
          { head: 'id here', value: (row) => row.becomes },
        ],
        rows,
        call.width,
      ),
      only === undefined
        ? `${count(registered.length, 'registered model')} with ${count(
            registered.reduce((sum, model) => sum + model.versions, 0),
            'version',
          )}.`
        : 'Registered models with a version from these experiments come along.',
      'Nothing was changed.',
    ].join('\n'),
  );
}

import type { PackedRun } from '../../lifecycle/experiments/index.ts';
import { datasetInputJson, list, runInfoJson } from './wire.ts';

/**
 * A page of runs as JSON text. Metrics, params and tags are text already, so what would be tens of thousands of
 * objects is joined as it is.
 */
export function runPageText(runs: readonly PackedRun[], next: string | null): string {
  const parts = [
    ...(runs.length > 0 ? [`"runs":[${runs.map(runText).join(',')}]`] : []),
    ...(next === null ? [] : [`"next_page_token":${JSON.stringify(next)}`]),
  ];
  return `{${parts.join(',')}}`;
}

function runText(run: PackedRun): string {
  const hasInputs = run.inputs.length > 0 || run.modelInputs.length > 0;
  const inputs = hasInputs ? JSON.stringify(inputsJson(run)) : '{}';
  const outputs = run.modelOutputs.length > 0 ? JSON.stringify(outputsJson(run)) : '{}';
  const data = [packed('metrics', run.metrics), packed('params', run.params), packed('tags', run.tags)];
  return `{"info":${JSON.stringify(runInfoJson(run.info))},"data":{${data.filter(Boolean).join(',')}},"inputs":${inputs},"outputs":${outputs}}`;
}

function inputsJson(run: PackedRun) {
  return {
    ...list('dataset_inputs', run.inputs.map(datasetInputJson)),
    ...list(
      'model_inputs',
      run.modelInputs.map((id) => ({ model_id: id })),
    ),
  };
}

function outputsJson(run: PackedRun) {
  return list(
    'model_outputs',
    run.modelOutputs.map(({ modelId, step }) => ({ model_id: modelId, step })),
  );
}

function packed(name: string, items: string | null): string {
  return items === null ? '' : `"${name}":${items}`;
}

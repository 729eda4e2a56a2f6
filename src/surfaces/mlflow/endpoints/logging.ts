import {
  type Experiments,
  invalidParameter,
  type MetricInput,
} from '../../../lifecycle/experiments/index.ts';
import { type Endpoint, endpoint } from '../endpoint.ts';
import type { Input } from '../fields.ts';
import { tagFields, tagsOf } from './experiments.ts';
import { byRun } from './runs.ts';

const metricFields = {
  key: { kind: 'string', required: true },
  value: { kind: 'float', required: true },
  timestamp: { kind: 'int', required: true },
  step: { kind: 'int' },
  model_id: { kind: 'string' },
  dataset_name: { kind: 'string' },
  dataset_digest: { kind: 'string' },
} as const;

const paramFields = { key: { kind: 'string', required: true }, value: { kind: 'string' } } as const;

const datasetFields = {
  name: { kind: 'string' },
  digest: { kind: 'string' },
  source_type: { kind: 'string' },
  source: { kind: 'string' },
  schema: { kind: 'string' },
  profile: { kind: 'string' },
} as const;

const modelIdField = { model_id: { kind: 'string' } } as const;

function metricOf(metric: Input<typeof metricFields>): MetricInput {
  if (metric.model_id && !metric.dataset_name !== !metric.dataset_digest) {
    throw invalidParameter('Both dataset_name and dataset_digest must be provided if one is provided');
  }
  return {
    key: metric.key,
    value: metric.value,
    timeMs: metric.timestamp,
    step: metric.step ?? 0,
    modelId: metric.model_id || undefined,
    datasetName: metric.dataset_name || undefined,
    datasetDigest: metric.dataset_digest || undefined,
  };
}

/** What scripts log to a run. */
export function loggingEndpoints({ logging }: Experiments): readonly Endpoint[] {
  return [
    endpoint({
      method: 'POST',
      path: '/mlflow/runs/log-metric',
      fields: { ...byRun, ...metricFields },
      async handle(input, { actor }) {
        await logging.metric(actor, input.run_id, metricOf(input));
        return {};
      },
    }),
    endpoint({
      method: 'POST',
      path: '/mlflow/runs/log-parameter',
      fields: { ...byRun, ...paramFields },
      async handle(input, { actor }) {
        await logging.param(actor, input.run_id, { key: input.key, value: input.value ?? '' });
        return {};
      },
    }),
    endpoint({
      method: 'POST',
      path: '/mlflow/runs/set-tag',
      fields: { ...byRun, ...paramFields },
      async handle(input, { actor }) {
        await logging.tag(actor, input.run_id, { key: input.key, value: input.value ?? '' });
        return {};
      },
    }),
    endpoint({
      method: 'POST',
      path: '/mlflow/runs/log-batch',
      fields: {
        run_id: { kind: 'string', required: true },
        metrics: { kind: 'objects', of: metricFields },
        params: { kind: 'objects', of: paramFields },
        tags: { kind: 'objects', of: paramFields },
      },
      handle(input, { actor }) {
        const metrics = input.metrics.map(metricOf);
        const batch = { metrics, params: tagsOf(input.params), tags: tagsOf(input.tags) };
        return logging.batch(actor, input.run_id, batch).then(() => ({}));
      },
    }),
    endpoint({
      method: 'POST',
      path: '/mlflow/runs/log-inputs',
      fields: {
        run_id: { kind: 'string', required: true },
        datasets: {
          kind: 'objects',
          of: {
            tags: { kind: 'objects', of: tagFields },
            dataset: { kind: 'object', of: datasetFields },
          },
        },
        models: { kind: 'objects', of: modelIdField },
      },
      async handle(input, { actor }) {
        const datasets = input.datasets.map(({ dataset = {}, tags }) => ({
          dataset: {
            name: dataset.name ?? '',
            digest: dataset.digest ?? '',
            sourceType: dataset.source_type ?? '',
            source: dataset.source ?? '',
            schema: dataset.schema ?? null,
            profile: dataset.profile ?? null,
          },
          tags: tagsOf(tags),
        }));
        const modelIds = input.models.map((model) => model.model_id ?? '');
        await logging.inputs(actor, input.run_id, { datasets, modelIds });
        return {};
      },
    }),
    endpoint({
      method: 'POST',
      path: '/mlflow/runs/outputs',
      fields: {
        run_id: { kind: 'string', required: true },
        models: { kind: 'objects', required: true, of: { ...modelIdField, step: { kind: 'int' } } },
      },
      async handle(input, { actor }) {
        const models = input.models.map((model) => ({
          modelId: model.model_id ?? '',
          step: model.step ?? 0,
        }));
        await logging.outputs(actor, input.run_id, models);
        return {};
      },
    }),
  ];
}

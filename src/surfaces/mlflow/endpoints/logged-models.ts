import {
  type Experiments,
  invalidParameter,
  type LoggedModelStatus,
} from '../../../lifecycle/experiments/index.ts';
import { type Endpoint, endpoint } from '../endpoint.ts';
import { fileJson, list, loggedModelJson, nextPage } from '../wire.ts';
import { tagFields, tagsOf } from './experiments.ts';

const statusNames = {
  LOGGED_MODEL_STATUS_UNSPECIFIED: 0,
  LOGGED_MODEL_PENDING: 1,
  LOGGED_MODEL_READY: 2,
  LOGGED_MODEL_UPLOAD_FAILED: 3,
} as const;

const byModel = { model_id: { kind: 'string', required: true } } as const;

/** MLflow 3's logged models. */
export function loggedModelEndpoints({ models, artifacts }: Experiments): readonly Endpoint[] {
  return [
    endpoint({
      method: 'POST',
      path: '/mlflow/logged-models',
      fields: {
        experiment_id: { kind: 'string', required: true },
        name: { kind: 'string' },
        model_type: { kind: 'string' },
        source_run_id: { kind: 'string' },
        params: { kind: 'objects', of: tagFields },
        tags: { kind: 'objects', of: tagFields },
      },
      async handle(input, { actor }) {
        const model = await models.create(actor, {
          experimentId: input.experiment_id,
          name: input.name || undefined,
          modelType: input.model_type ?? '',
          sourceRunId: input.source_run_id ?? '',
          params: tagsOf(input.params),
          tags: tagsOf(input.tags),
        });
        return { model: loggedModelJson(model) };
      },
    }),
    endpoint({
      method: 'POST',
      path: '/mlflow/logged-models/search',
      fields: {
        experiment_ids: { kind: 'strings', required: true },
        filter: { kind: 'string' },
        datasets: {
          kind: 'objects',
          of: { dataset_name: { kind: 'string' }, dataset_digest: { kind: 'string' } },
        },
        max_results: { kind: 'int' },
        order_by: {
          kind: 'objects',
          of: {
            field_name: { kind: 'string' },
            ascending: { kind: 'bool' },
            dataset_name: { kind: 'string' },
            dataset_digest: { kind: 'string' },
          },
        },
        page_token: { kind: 'string' },
      },
      async handle(input, { actor }) {
        const datasets = input.datasets.map((dataset) => {
          if (dataset.dataset_name)
            return { name: dataset.dataset_name, digest: dataset.dataset_digest || null };
          throw invalidParameter('`dataset_name` in the `datasets` clause must be specified.');
        });
        const page = await models.search(actor, {
          experimentIds: input.experiment_ids,
          filter: input.filter,
          datasets,
          orderBy: input.order_by.map((key) => ({
            field: key.field_name ?? '',
            ascending: key.ascending ?? true,
            dataset: {
              ...(key.dataset_name ? { name: key.dataset_name } : {}),
              ...(key.dataset_digest ? { digest: key.dataset_digest } : {}),
            },
          })),
          limit: input.max_results || 50,
          after: input.page_token,
        });
        return { ...list('models', page.items.map(loggedModelJson)), ...nextPage(page.next) };
      },
    }),
    endpoint({
      method: 'GET',
      path: '/mlflow/logged-models/:model_id',
      fields: { ...byModel, allow_deleted: { kind: 'bool' } },
      handle: async (input, { actor }) => ({
        model: loggedModelJson(await models.get(actor, input.model_id, input.allow_deleted ?? false)),
      }),
    }),
    endpoint({
      method: 'PATCH',
      path: '/mlflow/logged-models/:model_id',
      fields: { ...byModel, status: { kind: 'enum', names: statusNames, required: true } },
      async handle(input, { actor }) {
        const status = input.status.replace('LOGGED_MODEL_', '') as LoggedModelStatus | 'STATUS_UNSPECIFIED';
        if (status === 'STATUS_UNSPECIFIED') throw invalidParameter('Invalid model status: 0.');
        return { model: loggedModelJson(await models.finalize(actor, input.model_id, status)) };
      },
    }),
    endpoint({
      method: 'DELETE',
      path: '/mlflow/logged-models/:model_id',
      fields: byModel,
      async handle(input, { actor }) {
        await models.delete(actor, input.model_id);
        return {};
      },
    }),
    endpoint({
      method: 'PATCH',
      path: '/mlflow/logged-models/:model_id/tags',
      fields: { ...byModel, tags: { kind: 'objects', of: tagFields } },
      async handle(input, { actor }) {
        await models.setTags(actor, input.model_id, tagsOf(input.tags));
        return {};
      },
    }),
    endpoint({
      method: 'DELETE',
      path: '/mlflow/logged-models/:model_id/tags/:tag_key',
      fields: { ...byModel, tag_key: { kind: 'string', required: true } },
      async handle(input, { actor }) {
        await models.deleteTag(actor, input.model_id, input.tag_key);
        return {};
      },
    }),
    endpoint({
      method: 'POST',
      path: '/mlflow/logged-models/:model_id/params',
      fields: { ...byModel, params: { kind: 'objects', of: tagFields } },
      async handle(input, { actor }) {
        await models.logParams(actor, input.model_id, tagsOf(input.params));
        return {};
      },
    }),
    endpoint({
      method: 'GET',
      path: '/mlflow/logged-models/:model_id/artifacts/directories',
      fields: { ...byModel, artifact_directory_path: { kind: 'string' } },
      async handle(input, { actor }) {
        const model = await models.get(actor, input.model_id);
        const entries = await artifacts.listRoot(
          actor,
          model.artifactUri,
          input.artifact_directory_path ?? '',
        );
        return { root_uri: model.artifactUri, ...list('files', entries.map(fileJson)) };
      },
    }),
  ];
}

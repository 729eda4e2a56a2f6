import { existsSync } from 'node:fs';
import type { TransferExperiment, TransferModel, TransferRun } from '../contract.ts';
import { folderFiles, hasS3Credentials, localFolder, proxiedPath, s3Files } from './artifact-files.ts';
import { finite, type Json, list, next, nullable, number, object, tagsOf, text } from './mlflow-json.ts';
import { MlflowRest } from './mlflow-rest.ts';
import { registeredModelsAt } from './mlflow-server-registry.ts';
import type { Marked, MetricColumns, SourceFiles, SourceOwner, TransferSource } from './transfer-source.ts';

const runsPerPage = 200;
const pointsPerPage = 25_000;

/** Another MLflow server (2.x or 3.x), read by its REST API. */
export function openMlflowServer(
  url: string,
  env: Readonly<Record<string, string | undefined>>,
): TransferSource {
  const rest = new MlflowRest(url, env);
  /** Metrics of the runs that were listed and not read yet. */
  const keys = new Map<string, readonly string[]>();
  return {
    name: rest.url,
    concurrency: 4,
    async *experiments() {
      for (let token = ''; ; ) {
        const order_by = ['experiment_id ASC'];
        const body = { max_results: 1000, view_type: 'ALL', order_by, ...next(token) };
        const page = await rest.post('experiments/search', body);
        yield* list(page.experiments).map(toExperiment);
        token = text(page.next_page_token);
        if (token === '') return;
      }
    },
    async *runs(experimentId) {
      for (let token = ''; ; ) {
        const page = await rest.post('runs/search', {
          experiment_ids: [experimentId],
          run_view_type: 'ALL',
          max_results: runsPerPage,
          order_by: ['attributes.start_time ASC'],
          ...next(token),
        });
        for (const json of list(page.runs)) {
          const run = toRun(json);
          keys.set(
            run.item.id,
            list(object(json.data).metrics).map((metric) => text(metric.key)),
          );
          yield run;
        }
        token = text(page.next_page_token);
        if (token === '') return;
      }
    },
    async *metrics(run) {
      for (const key of keys.get(run.id) ?? []) yield history(rest, run.id, key);
      keys.delete(run.id);
    },
    async *models(experimentId) {
      for (let token = ''; ; ) {
        const body = { experiment_ids: [experimentId], max_results: 50, ...next(token) };
        const page = await rest.postIfKnown('logged-models/search', body);
        if (page === null) return;
        yield* list(page.models).map(toModel);
        token = text(page.next_page_token);
        if (token === '') return;
      }
    },
    files: (owner) => filesOf(rest, owner, env),
    registeredModels: () => registeredModelsAt(rest),
    async close() {},
  };
}

function toExperiment(json: Json): TransferExperiment {
  return {
    id: text(json.experiment_id),
    name: text(json.name),
    lifecycleStage: json.lifecycle_stage === 'deleted' ? 'deleted' : 'active',
    createdAtMs: number(json.creation_time),
    updatedAtMs: number(json.last_update_time),
    tags: tagsOf(json.tags),
  };
}

function toRun(json: Json): Marked<TransferRun> {
  const info = object(json.info);
  const data = object(json.data);
  const inputs = object(json.inputs);
  const latest = list(data.metrics).map((m) => [text(m.key), m.value, m.timestamp, m.step] as const);
  return {
    mark: JSON.stringify(latest.sort(([a], [b]) => (a < b ? -1 : 1))),
    item: {
      id: text(info.run_id ?? info.run_uuid),
      experimentId: text(info.experiment_id),
      name: text(info.run_name),
      userId: text(info.user_id),
      status: text(info.status) as TransferRun['status'],
      startTimeMs: number(info.start_time),
      endTimeMs: info.end_time ? number(info.end_time) : null,
      lifecycleStage: info.lifecycle_stage === 'deleted' ? 'deleted' : 'active',
      artifactUri: text(info.artifact_uri),
      params: tagsOf(data.params),
      tags: tagsOf(data.tags),
      inputs: list(inputs.dataset_inputs).map((input) => {
        const dataset = object(input.dataset);
        return {
          name: text(dataset.name),
          digest: text(dataset.digest),
          sourceType: text(dataset.source_type),
          source: text(dataset.source),
          schema: nullable(dataset.schema),
          profile: nullable(dataset.profile),
          tags: tagsOf(input.tags),
        };
      }),
      modelInputs: list(inputs.model_inputs).map((input) => text(input.model_id)),
      modelOutputs: list(object(json.outputs).model_outputs).map((output) => ({
        modelId: text(output.model_id),
        step: number(output.step),
      })),
    },
  };
}

async function history(rest: MlflowRest, runId: string, key: string): Promise<MetricColumns> {
  const columns: MetricColumns = { key, steps: [], timesMs: [], values: [] };
  for (let token = ''; ; ) {
    const query = { run_id: runId, metric_key: key, max_results: String(pointsPerPage), ...next(token) };
    const page = await rest.get('metrics/get-history', query);
    for (const metric of list(page.metrics)) {
      columns.steps.push(number(metric.step));
      columns.timesMs.push(number(metric.timestamp));
      columns.values.push(number(metric.value));
    }
    token = text(page.next_page_token);
    if (token === '') return columns;
  }
}

function toModel(json: Json): Marked<TransferModel> {
  const info = object(json.info);
  const data = object(json.data);
  const status = text(info.status).replace('LOGGED_MODEL_', '');
  return {
    mark: '',
    item: {
      id: text(info.model_id),
      experimentId: text(info.experiment_id),
      name: text(info.name),
      artifactUri: text(info.artifact_uri),
      modelType: nullable(info.model_type),
      sourceRunId: nullable(info.source_run_id),
      status: status === 'READY' || status === 'UPLOAD_FAILED' ? status : 'PENDING',
      lifecycleStage: 'active',
      createdAtMs: number(info.creation_timestamp_ms),
      updatedAtMs: number(info.last_updated_timestamp_ms),
      params: tagsOf(data.params),
      tags: tagsOf(info.tags),
      metrics: list(data.metrics).map((metric) => ({
        key: text(metric.key),
        value: finite(metric.value),
        step: number(metric.step),
        timeMs: number(metric.timestamp),
        runId: text(metric.run_id),
        datasetName: nullable(metric.dataset_name),
        datasetDigest: nullable(metric.dataset_digest),
      })),
    },
  };
}

/**
 * Files by the server's proxy where it keeps them, straight from this machine's disk or S3 where they can be read,
 * else through the server, which reads them wherever they are.
 */
async function filesOf(
  rest: MlflowRest,
  owner: SourceOwner,
  env: Readonly<Record<string, string | undefined>>,
): Promise<SourceFiles | null> {
  const { artifactUri, id } = owner;
  const proxied = proxiedPath(artifactUri);
  const escaped = (path: string): string => path.split('/').map(encodeURIComponent).join('/');
  if (proxied !== undefined) {
    const root = '/api/2.0/mlflow-artifacts/artifacts';
    return walking(
      async (folder) => {
        const path = folder === '' ? proxied : `${proxied}/${folder}`;
        const { files } = await rest.json(`${root}?${new URLSearchParams({ path })}`);
        return list(files).map((file) => ({
          ...file,
          path: folder ? `${folder}/${text(file.path)}` : file.path,
        }));
      },
      (path) => rest.file(`${root}/${escaped(`${proxied}/${path}`)}`),
    );
  }
  const folder = localFolder(artifactUri, '/');
  if (folder !== undefined && existsSync(folder)) return folderFiles(folder);
  if (/^s3:/i.test(artifactUri) && hasS3Credentials(env)) return s3Files(artifactUri, env);
  if (owner.kind === 'run') {
    return walking(
      async (path) => list((await rest.get('artifacts/list', { run_id: id, path: path || undefined })).files),
      (path) => rest.file(`/get-artifact?${new URLSearchParams({ run_uuid: id, path })}`),
    );
  }
  const model = `logged-models/${encodeURIComponent(id)}/artifacts`;
  return walking(
    async (path) =>
      list((await rest.get(`${model}/directories`, { artifact_directory_path: path || undefined })).files),
    (path) =>
      rest.file(`/ajax-api/2.0/mlflow/${model}/files?${new URLSearchParams({ artifact_file_path: path })}`),
  );
}

/** Walks folders whose lists give paths relative to the root. */
function walking(
  entries: (folder: string) => Promise<readonly Json[]>,
  open: SourceFiles['open'],
): SourceFiles {
  async function* walk(folder: string): AsyncGenerator<string> {
    for (const entry of await entries(folder)) {
      if (entry.is_dir) yield* walk(text(entry.path));
      else yield text(entry.path);
    }
  }
  return { list: () => walk(''), open };
}

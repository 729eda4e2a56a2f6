import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fail } from '../../../core/errors.ts';
import type { TransferModel, TransferRun } from '../contract.ts';
import { folderFiles, localFolder, proxiedFolder, s3Files } from './artifact-files.ts';
import { MlflowFile, nullable, number, type Row, tagsOf, text } from './mlflow-file.ts';
import { checkRevision } from './mlflow-revisions.ts';
import { registeredModelsIn } from './mlflow-sqlite-registry.ts';
import type { Marked, MetricColumns, TransferSource } from './transfer-source.ts';

const pageSize = 200;
const modelStatus = ['PENDING', 'PENDING', 'READY', 'UPLOAD_FAILED'] as const;

/**
 * The SQLite file of a MLflow server (2.9 to 3.17), opened for reading only.
 *
 * @param artifacts where the server keeps what its runs call `mlflow-artifacts:`; undefined where nobody said
 * Throws `import_source_unreadable`, and `mlflow_revision_unknown` for a schema that is not known.
 */
export async function openMlflowSqlite(
  path: string,
  artifacts: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): Promise<TransferSource> {
  const { DatabaseSync } = await import('node:sqlite');
  const full = resolve(path);
  if (!existsSync(full))
    throw fail('import_source_unreadable', { source: path, problem: 'it does not exist' });
  const file = new MlflowFile(new DatabaseSync(full, { readOnly: true, timeout: 5000 }), full);
  checkRevision(file);
  const hasModels = file.hasTable('logged_models');
  const inputStep = file.hasColumn('inputs', 'step') ? 'step' : '0';
  return {
    name: `sqlite:///${full}`,
    concurrency: 1,
    async *experiments() {
      const tags = Map.groupBy(file.rows('SELECT * FROM main.experiment_tags'), (row) => row.experiment_id);
      for (const row of file.rows('SELECT * FROM main.experiments ORDER BY experiment_id')) {
        yield {
          id: text(row.experiment_id),
          name: text(row.name),
          lifecycleStage: row.lifecycle_stage === 'deleted' ? 'deleted' : 'active',
          createdAtMs: number(row.creation_time),
          updatedAtMs: number(row.last_update_time),
          tags: tagsOf(tags.get(row.experiment_id ?? 0)),
        };
      }
    },
    async *runs(experimentId) {
      for (let after = -1; ; ) {
        const rows = file.rows(
          'SELECT rowid AS place, * FROM main.runs WHERE experiment_id = ? AND rowid > ? ORDER BY rowid LIMIT ?',
          ...[experimentId, after, pageSize],
        );
        yield* runsOf(file, rows, inputStep);
        const last = rows.at(-1);
        if (!last || rows.length < pageSize) return;
        after = number(last.place);
      }
    },
    async *metrics(run) {
      yield* metricsOf(file, run.id);
    },
    async *models(experimentId) {
      if (hasModels) yield* modelsOf(file, experimentId);
    },
    async files({ artifactUri }) {
      const local = localFolder(artifactUri, dirname(full));
      if (local !== undefined) return folderFiles(local);
      const proxied = artifacts === undefined ? undefined : proxiedFolder(artifactUri, artifacts);
      return proxied === undefined ? s3Files(artifactUri, env) : folderFiles(proxied);
    },
    async *registeredModels() {
      yield* registeredModelsIn(file);
    },
    async close() {
      file.close();
    },
  };
}

function* runsOf(file: MlflowFile, rows: readonly Row[], inputStep: string): Generator<Marked<TransferRun>> {
  const ids = JSON.stringify(rows.map((row) => row.run_uuid));
  const these = 'IN (SELECT value FROM json_each(?))';
  const byRun = (sql: string) => Map.groupBy(file.rows(sql, ids), (row) => row.run_uuid);
  const params = byRun(`SELECT * FROM main.params WHERE run_uuid ${these}`);
  const tags = byRun(`SELECT * FROM main.tags WHERE run_uuid ${these}`);
  const latest = byRun(`SELECT * FROM main.latest_metrics WHERE run_uuid ${these} ORDER BY run_uuid, key`);
  const datasets = byRun(
    `SELECT i.destination_id AS run_uuid, i.input_uuid, d.* FROM main.inputs i
      JOIN main.datasets d ON d.dataset_uuid = i.source_id
      WHERE i.source_type = 'DATASET' AND i.destination_type = 'RUN' AND i.destination_id ${these}`,
  );
  const inputTags = Map.groupBy(
    file.rows(
      `SELECT t.input_uuid, t.name AS key, t.value FROM main.input_tags t JOIN main.inputs i ON i.input_uuid = t.input_uuid
        WHERE i.source_type = 'DATASET' AND i.destination_id ${these}`,
      ids,
    ),
    (row) => row.input_uuid,
  );
  const models = byRun(
    `SELECT source_id AS run_uuid, source_type, destination_id, ${inputStep} AS step FROM main.inputs
      WHERE source_type IN ('RUN_INPUT', 'RUN_OUTPUT') AND source_id ${these}`,
  );
  for (const row of rows) {
    const id = row.run_uuid ?? '';
    const linked = models.get(id) ?? [];
    yield {
      mark: JSON.stringify(
        (latest.get(id) ?? []).map((m) => [m.key, m.value, m.timestamp, m.step, m.is_nan]),
      ),
      item: {
        id: text(id),
        experimentId: text(row.experiment_id),
        name: text(row.name),
        userId: text(row.user_id),
        status: (row.status ?? 'RUNNING') as TransferRun['status'],
        startTimeMs: number(row.start_time),
        endTimeMs: row.end_time === null ? null : number(row.end_time),
        lifecycleStage: row.lifecycle_stage === 'deleted' ? 'deleted' : 'active',
        artifactUri: text(row.artifact_uri),
        params: tagsOf(params.get(id)),
        tags: tagsOf(tags.get(id)),
        inputs: (datasets.get(id) ?? []).map((dataset) => ({
          name: text(dataset.name),
          digest: text(dataset.digest),
          sourceType: text(dataset.dataset_source_type),
          source: text(dataset.dataset_source),
          schema: nullable(dataset.dataset_schema),
          profile: nullable(dataset.dataset_profile),
          tags: tagsOf(inputTags.get(dataset.input_uuid ?? '')),
        })),
        modelInputs: linked.filter((l) => l.source_type === 'RUN_INPUT').map((l) => text(l.destination_id)),
        modelOutputs: linked
          .filter((l) => l.source_type === 'RUN_OUTPUT')
          .map((l) => ({ modelId: text(l.destination_id), step: number(l.step) })),
      },
    };
  }
}

function* metricsOf(file: MlflowFile, runId: string): Generator<MetricColumns> {
  const series = new Map<string, MetricColumns>();
  const sql = 'SELECT key, step, timestamp, value, is_nan FROM main.metrics WHERE run_uuid = ?';
  for (const [key, step, timeMs, value, isNan] of file.arrays(sql, runId)) {
    const name = String(key);
    let columns = series.get(name);
    if (!columns) {
      columns = { key: name, steps: [], timesMs: [], values: [] };
      series.set(name, columns);
    }
    columns.steps.push(Number(step));
    columns.timesMs.push(Number(timeMs));
    columns.values.push(isNan ? Number.NaN : Number(value));
  }
  yield* series.values();
}

function* modelsOf(file: MlflowFile, experimentId: string): Generator<Marked<TransferModel>> {
  for (const row of file.rows(
    'SELECT * FROM main.logged_models WHERE experiment_id = ? ORDER BY rowid',
    experimentId,
  )) {
    const id = text(row.model_id);
    const params =
      'SELECT param_key AS key, param_value AS value FROM main.logged_model_params WHERE model_id = ?';
    const tags = 'SELECT tag_key AS key, tag_value AS value FROM main.logged_model_tags WHERE model_id = ?';
    const metrics = file.rows('SELECT * FROM main.logged_model_metrics WHERE model_id = ?', id);
    yield {
      mark: '',
      item: {
        id,
        experimentId: text(row.experiment_id),
        name: text(row.name),
        artifactUri: text(row.artifact_location),
        modelType: row.model_type || null ? text(row.model_type) : null,
        sourceRunId: row.source_run_id || null ? text(row.source_run_id) : null,
        status: modelStatus[number(row.status)] ?? 'PENDING',
        lifecycleStage: row.lifecycle_stage === 'deleted' ? 'deleted' : 'active',
        createdAtMs: number(row.creation_timestamp_ms),
        updatedAtMs: number(row.last_updated_timestamp_ms),
        params: tagsOf(file.rows(params, id)),
        tags: tagsOf(file.rows(tags, id)),
        metrics: metrics.map((metric) => ({
          key: text(metric.metric_name),
          value: number(metric.metric_value),
          step: number(metric.metric_step),
          timeMs: number(metric.metric_timestamp_ms),
          runId: text(metric.run_id),
          datasetName: nullable(metric.dataset_name),
          datasetDigest: nullable(metric.dataset_digest),
        })),
      },
    };
  }
}

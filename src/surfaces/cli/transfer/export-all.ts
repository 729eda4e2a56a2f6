import type { TransferModel, TransferRegisteredModel, TransferRun } from '../contract.ts';
import { checkNames } from './check-names.ts';
import type { ExportWriter } from './export-writer.ts';
import type { MillraceServer } from './millrace-server.ts';
import type { Progress } from './progress.ts';

/** Reads everything of a server, or some experiments, and hands it to the writer. */
export async function exportAll(
  server: MillraceServer,
  writer: ExportWriter,
  only: readonly string[] | undefined,
  progress: Progress,
): Promise<void> {
  const names = new Set<string>();
  for await (const { tags, ...experiment } of server.experiments()) {
    names.add(experiment.name);
    if (only !== undefined && !only.includes(experiment.name)) continue;
    progress.begin(`experiment "${experiment.name}"`);
    const { id, name, lifecycleStage, createdAtMs, updatedAtMs } = experiment;
    const life = { lifecycle_stage: lifecycleStage, created_at_ms: createdAtMs, updated_at_ms: updatedAtMs };
    await writer.add('experiments', [{ id, name, ...life }]);
    await writer.add(
      'experiment_tags',
      tags.map((tag) => ({ experiment_id: id, ...tag })),
    );
    for await (const run of server.runs(id)) {
      await writeRun(writer, run);
      for await (const { key, steps, timesMs, values } of server.metrics(run.id)) {
        const rows = values.map((value, i) => ({
          run_id: run.id,
          key,
          step: steps[i] ?? 0,
          time_ms: timesMs[i] ?? 0,
          value: value ?? Number.NaN,
        }));
        await writer.add('metrics', rows);
        progress.points(rows.length);
      }
      await writeFiles('run', run.id);
      progress.run();
    }
    for await (const model of server.models(id)) {
      await writeModel(writer, model);
      await writeFiles('logged-model', model.id);
      progress.model();
    }
  }
  checkNames(only, names);
  progress.begin('registered models');
  for await (const model of server.registeredModels()) {
    await writeRegistered(writer, model);
    progress.model();
  }
  progress.end();

  async function writeFiles(kind: 'run' | 'logged-model', id: string): Promise<void> {
    for (const file of await server.files(kind, id)) {
      await writer.addFile(file, () => server.open(file.digest));
      const { path, digest, sizeBytes } = file;
      await writer.add('artifacts', [{ kind, owner_id: id, path, digest, size_bytes: sizeBytes }]);
      progress.file(sizeBytes);
    }
  }
}

async function writeRun(writer: ExportWriter, run: TransferRun): Promise<void> {
  const run_id = run.id;
  await writer.add('runs', [
    {
      id: run.id,
      experiment_id: run.experimentId,
      name: run.name,
      user_id: run.userId,
      status: run.status,
      start_time_ms: run.startTimeMs,
      end_time_ms: run.endTimeMs,
      lifecycle_stage: run.lifecycleStage,
      artifact_uri: run.artifactUri,
    },
  ]);
  await writer.add(
    'params',
    run.params.map((param) => ({ run_id, ...param })),
  );
  await writer.add(
    'tags',
    run.tags.map((tag) => ({ run_id, ...tag })),
  );
  const inputs = run.inputs.map(({ name, digest, sourceType, source, schema, profile, tags }) => ({
    run_id,
    name,
    digest,
    source_type: sourceType,
    source,
    schema,
    profile,
    tags: JSON.stringify(tags),
  }));
  await writer.add('inputs', inputs);
  const taken = run.modelInputs.map((model_id) => ({ run_id, direction: 'input', model_id, step: 0 }));
  const given = run.modelOutputs.map(({ modelId, step }) => ({
    run_id,
    direction: 'output',
    model_id: modelId,
    step,
  }));
  await writer.add('run_models', [...taken, ...given]);
}

async function writeModel(writer: ExportWriter, model: TransferModel): Promise<void> {
  const model_id = model.id;
  await writer.add('logged_models', [
    {
      id: model.id,
      experiment_id: model.experimentId,
      name: model.name,
      artifact_uri: model.artifactUri,
      model_type: model.modelType,
      source_run_id: model.sourceRunId,
      status: model.status,
      lifecycle_stage: model.lifecycleStage,
      created_at_ms: model.createdAtMs,
      updated_at_ms: model.updatedAtMs,
    },
  ]);
  await writer.add(
    'logged_model_params',
    model.params.map((param) => ({ model_id, ...param })),
  );
  await writer.add(
    'logged_model_tags',
    model.tags.map((tag) => ({ model_id, ...tag })),
  );
  const metrics = model.metrics.map((metric) => ({
    model_id,
    key: metric.key,
    value: metric.value,
    step: metric.step,
    time_ms: metric.timeMs,
    run_id: metric.runId,
    dataset_name: metric.datasetName,
    dataset_digest: metric.datasetDigest,
  }));
  await writer.add('logged_model_metrics', metrics);
}

async function writeRegistered(writer: ExportWriter, model: TransferRegisteredModel): Promise<void> {
  const { name } = model;
  await writer.add('registered_models', [
    {
      name,
      description: model.description,
      is_prompt: model.isPrompt,
      last_version: model.lastVersion,
      created_at_ms: model.createdAtMs,
      updated_at_ms: model.updatedAtMs,
    },
  ]);
  await writer.add(
    'registered_model_tags',
    model.tags.map((tag) => ({ name, ...tag })),
  );
  await writer.add(
    'aliases',
    model.aliases.map((alias) => ({ name, ...alias })),
  );
  const moves = model.aliasMoves.map((move) => ({
    id: move.id,
    name,
    alias: move.alias,
    version: move.version,
    action: move.action,
    previous_version: move.previousVersion,
    moved_by: move.by,
    reason: move.reason,
    moved_at_ms: move.movedAtMs,
  }));
  await writer.add('alias_history', moves);
  for (const version of model.versions) {
    await writer.add('model_versions', [
      {
        name,
        version: version.version,
        status: version.status,
        status_message: version.statusMessage,
        stage: version.stage,
        deleted: version.deleted,
        description: version.description,
        source: version.source,
        storage_location: version.storageLocation,
        run_id: version.runId,
        run_link: version.runLink,
        model_id: version.modelId,
        created_by: version.createdBy,
        created_at_ms: version.createdAtMs,
        updated_at_ms: version.updatedAtMs,
        digest: version.digest,
        dataset_version_id: version.datasetVersionId,
        dataset_digest: version.datasetDigest,
        signature: version.signature,
        evaluation_id: version.evaluationId,
      },
    ]);
    await writer.add(
      'model_version_tags',
      version.tags.map((tag) => ({ name, version: version.version, ...tag })),
    );
  }
}

import type {
  ArtifactEntry,
  DatasetInputRecord,
  ExperimentRecord,
  LoggedModelRecord,
  MetricPoint,
  RunInfo,
  RunRecord,
  Tag,
} from '../../lifecycle/experiments/index.ts';
import { pointValue } from '../../lifecycle/experiments/index.ts';
import type { RegisteredModelRecord, VersionRecord } from '../../lifecycle/registry/index.ts';

/** MLflow's JSON: snake_case, unset fields and empty lists left out, NaN as text. */
type Json = Readonly<Record<string, unknown>>;

/** `{ [name]: items }`, or nothing when there are none. */
export function list(name: string, items: readonly unknown[]): Json {
  return items.length > 0 ? { [name]: items } : {};
}

/** `{ [name]: value }`, or nothing when there is none. */
export function optional(name: string, value: string | number | null | undefined): Json {
  return value === null || value === undefined ? {} : { [name]: value };
}

/** The token of the next page, or nothing on the last. */
export function nextPage(next: string | null): Json {
  return optional('next_page_token', next);
}

const number = (value: number): number | string => (Number.isNaN(value) ? 'NaN' : value);
const pairs = (tags: readonly Tag[]): readonly Tag[] => tags.map(({ key, value }) => ({ key, value }));

/** `Experiment`; times that are not known are left out. */
export function experimentJson(experiment: ExperimentRecord): Json {
  return {
    experiment_id: experiment.id,
    name: experiment.name,
    artifact_location: experiment.artifactLocation,
    lifecycle_stage: experiment.lifecycleStage,
    ...(experiment.updatedAtMs ? { last_update_time: experiment.updatedAtMs } : {}),
    ...(experiment.createdAtMs ? { creation_time: experiment.createdAtMs } : {}),
    ...list('tags', pairs(experiment.tags)),
  };
}

/** `Metric`; NaN as text and infinities as the largest double, as MLflow has them. */
export function metricJson(key: string, point: MetricPoint): Json {
  return { key, value: number(pointValue(point)), timestamp: point.timeMs, step: point.step };
}

/** `RunInfo`; the end time is left out until there is one. */
export function runInfoJson(run: RunInfo): Json {
  return {
    run_uuid: run.id,
    experiment_id: run.experimentId,
    run_name: run.name,
    user_id: run.userId,
    // MLflow has no word for a run that went silent.
    status: run.status === 'LOST' ? 'FAILED' : run.status,
    start_time: run.startTimeMs,
    ...(run.endTimeMs ? { end_time: run.endTimeMs } : {}),
    artifact_uri: run.artifactUri,
    lifecycle_stage: run.lifecycleStage,
    run_id: run.id,
  };
}

export function runJson(run: RunRecord): Json {
  return {
    ...createdRunJson(run),
    outputs: list(
      'model_outputs',
      run.modelOutputs.map(({ modelId, step }) => ({ model_id: modelId, step })),
    ),
  };
}

/** A run as its creation answers: without outputs, which it cannot have yet. */
export function createdRunJson(run: RunRecord): Json {
  return {
    info: runInfoJson(run),
    data: {
      ...list(
        'metrics',
        run.metrics.map((m) => metricJson(m.key, m.last)),
      ),
      ...list('params', pairs(run.params)),
      ...list('tags', pairs(run.tags)),
    },
    inputs: {
      ...list('dataset_inputs', run.inputs.map(datasetInputJson)),
      ...list(
        'model_inputs',
        run.modelInputs.map((id) => ({ model_id: id })),
      ),
    },
  };
}

function datasetInputJson({ dataset, tags }: DatasetInputRecord): Json {
  const { name, digest, sourceType, source, schema, profile } = dataset;
  return {
    ...list('tags', pairs(tags)),
    dataset: {
      name,
      digest,
      source_type: sourceType,
      source,
      ...optional('schema', schema),
      ...optional('profile', profile),
    },
  };
}

/** `LoggedModel`: what it is (`info`) and what was logged of it (`data`). */
export function loggedModelJson(model: LoggedModelRecord): Json {
  const metrics = model.metrics.map((m) => ({
    key: m.key,
    value: m.value,
    timestamp: m.timeMs,
    step: m.step,
    ...optional('dataset_name', m.datasetName),
    ...optional('dataset_digest', m.datasetDigest),
    model_id: model.id,
    run_id: m.runId,
  }));
  return {
    info: {
      model_id: model.id,
      experiment_id: model.experimentId,
      name: model.name,
      creation_timestamp_ms: model.createdAtMs,
      last_updated_timestamp_ms: model.updatedAtMs,
      artifact_uri: model.artifactUri,
      status: `LOGGED_MODEL_${model.status}`,
      ...optional('model_type', model.modelType),
      source_run_id: model.sourceRunId ?? '',
      ...list('tags', pairs(model.tags)),
    },
    data: { ...list('params', pairs(model.params)), ...list('metrics', metrics) },
  };
}

/** `FileInfo`; folders and empty files have no size. */
export function fileJson(entry: ArtifactEntry): Json {
  return { path: entry.path, is_dir: entry.isDirectory, ...optional('file_size', entry.sizeBytes || null) };
}

/** A version as lists hold it: MLflow fills in aliases only where one version is asked for. */
export function listedVersionJson(version: VersionRecord): Json {
  return versionJson({ ...version, aliases: [] });
}

/** `ModelVersion` with its aliases, as where one is asked for. */
export function versionJson(version: VersionRecord): Json {
  return {
    name: version.name,
    version: String(version.version),
    creation_timestamp: version.createdAtMs,
    last_updated_timestamp: version.updatedAtMs,
    current_stage: version.stage,
    ...(version.isUndescribed ? {} : { description: version.description }),
    source: version.source,
    run_id: version.sourceRunId ?? '',
    status: version.status,
    ...optional('status_message', version.statusMessage),
    ...list('tags', pairs(version.tags)),
    run_link: version.runLink ?? '',
    ...list('aliases', version.aliases),
  };
}

/** `RegisteredModel`; the latest versions are one a stage. */
export function registeredModelJson(
  model: RegisteredModelRecord,
  latestVersions: readonly VersionRecord[],
): Json {
  return {
    name: model.name,
    creation_timestamp: model.createdAtMs,
    last_updated_timestamp: model.updatedAtMs,
    ...(model.description ? { description: model.description } : {}),
    ...list('latest_versions', latestVersions.map(listedVersionJson)),
    ...list('tags', pairs(model.tags)),
    ...list(
      'aliases',
      model.aliases.map(({ alias, version }) => ({ alias, version: String(version) })),
    ),
  };
}

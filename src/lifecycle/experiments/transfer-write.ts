import type { Tx } from '../../platform/db/index.ts';
import { joinUri } from './artifact-path.ts';
import type { TransferModel, TransferRun } from './contract/transfer.ts';
import { findExperiment } from './store/experiments.ts';
import { addDatasetInputs, addRunModels } from './store/inputs.ts';
import { addModelMetrics, addModelParams, insertLoggedModel, setModelTags } from './store/logged-models.ts';
import { addParams, findRunRow, insertRun, setRunTags } from './store/runs.ts';
import { clearLoggedModel, clearRunDetails, rewriteRun } from './store/transfer-rows.ts';

/**
 * Writes a run as it was elsewhere, or writes it anew; values are kept whole, however long they are.
 *
 * @returns where its files lie
 */
export async function writeRun(tx: Tx, run: TransferRun, nowMs: number): Promise<string> {
  const experimentId = Number(run.experimentId);
  const row = {
    experiment_id: experimentId,
    name: run.name,
    user_id: run.userId,
    status: run.status,
    start_time_ms: run.startTimeMs,
    end_time_ms: run.endTimeMs,
    lifecycle_stage: run.lifecycleStage,
    artifact_uri: run.artifactUri ?? (await ownUri(tx, experimentId, run.id)),
    step_run_id: null,
    heartbeat_ms: nowMs,
  };
  const present = await findRunRow(tx, run.id);
  if (present) {
    await rewriteRun(tx, present.seq, row);
    await clearRunDetails(tx, present.seq);
  }
  const seq = present?.seq ?? (await insertRun(tx, { id: run.id, ...row }));
  await addParams(tx, seq, run.params);
  await setRunTags(tx, seq, run.tags);
  const inputs = run.inputs.map(({ tags, ...dataset }) => ({ dataset, tags }));
  await addDatasetInputs(tx, { seq, experimentId }, inputs);
  const inputModels = run.modelInputs.map((modelId) => ({ modelId, step: 0 }));
  await addRunModels(tx, seq, 'input', inputModels);
  await addRunModels(tx, seq, 'output', run.modelOutputs);
  return row.artifact_uri;
}

/**
 * Writes a logged model as it was elsewhere, or writes it anew.
 *
 * @returns where its files lie
 */
export async function writeModel(tx: Tx, model: TransferModel): Promise<string> {
  const experimentId = Number(model.experimentId);
  const artifactUri = model.artifactUri ?? (await ownUri(tx, experimentId, 'models', model.id));
  await clearLoggedModel(tx, model.id);
  await insertLoggedModel(tx, {
    id: model.id,
    experiment_id: experimentId,
    name: model.name,
    artifact_uri: artifactUri,
    model_type: model.modelType,
    source_run_id: model.sourceRunId,
    status: model.status,
    lifecycle_stage: model.lifecycleStage,
    created_at_ms: model.createdAtMs,
    updated_at_ms: model.updatedAtMs,
  });
  await addModelParams(tx, model.id, model.params);
  await setModelTags(tx, model.id, model.tags);
  const byRun = Map.groupBy(model.metrics, (metric) => metric.runId);
  for (const [runId, metrics] of byRun) {
    const inputs = metrics.map(({ key, value, step, timeMs, datasetName, datasetDigest }) => ({
      key,
      value,
      step,
      timeMs,
      modelId: model.id,
      datasetName: datasetName ?? undefined,
      datasetDigest: datasetDigest ?? undefined,
    }));
    await addModelMetrics(tx, runId, inputs);
  }
  return artifactUri;
}

/**
 * Where files that are brought along lie: below the experiment's root if the server keeps it, else at the server's
 * own place for the experiment.
 */
async function ownUri(tx: Tx, experimentId: number, ...parts: readonly string[]): Promise<string> {
  const experiment = await findExperiment(tx, { id: experimentId });
  const location = experiment?.artifactLocation ?? '';
  const root = location.startsWith('mlflow-artifacts:') ? location : `mlflow-artifacts:/${experimentId}`;
  return joinUri(root, ...parts, 'artifacts');
}

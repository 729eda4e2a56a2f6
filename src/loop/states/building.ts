import { MillraceError } from '../../core/errors.ts';
import { parseDuration } from '../../core/time.ts';
import { runStep, type StateHandler, type TurnContext } from '../engine/turn-context.ts';
import type { PackagedVersion } from '../ports.ts';
import type { TurnData } from '../turn-data.ts';
import { known } from './known.ts';

/** `training`: runs the script on the training rows and finds the model that it logged. */
export const training: StateHandler = async (turn) => {
  const { file, overrides } = turn;
  const prepared = known(turn.data.prepared, 'prepared data');
  const step = await runStep(
    turn,
    'train',
    'train',
    () => ({
      run: overrides.run ?? file.train.run,
      params: { ...file.train.params, ...overrides.params },
      dataDigest: prepared.trainDigest,
      dataRows: prepared.trainRows,
      files: turn.codeFiles,
      experiment: turn.loop,
    }),
    parseDuration(file.train.timeout),
  );
  if (!step.done) return step.decision;
  const { runIds, models } = await turn.ports.experiments.loggedBy(step.id);
  const logged = models.at(-1);
  if (!logged) {
    const runs = runIds.length === 0 ? 'none' : runIds.join(', ');
    const error = new MillraceError('train_no_model', { runs });
    return { do: 'fail', code: error.code, message: `${error.message}. ${error.next}`, stepRunId: step.id };
  }
  const { modelId, runId, name } = logged;
  return {
    do: 'move',
    to: 'packaging',
    reason: `run ${runId} logged model ${name}`,
    evidence: { runId, modelId, stepRunId: step.id },
    change: { model: { runId, modelId, name } },
  };
};

/** `packaging`: makes the logged model servable, checks that it fits the data, and registers it as a version. */
export const packaging: StateHandler = async (turn) => {
  const model = known(turn.data.model, 'logged model');
  const prepared = known(turn.data.prepared, 'prepared data');
  const trained = known(await turn.step('train'), 'train step');
  const step = await runStep(turn, 'package', 'package', async () => {
    const { models } = await turn.ports.experiments.loggedBy(trained.id);
    const logged = known(
      models.find((m) => m.modelId === model.modelId),
      'logged model',
    );
    return turn.ports.packaging.stepInputs(turn.model, logged, prepared.datasetVersionId, {
      dataset: prepared.dataDigest,
      column: turn.file.data.time,
      from: prepared.boundary,
      to: prepared.end,
    });
  });
  if (!step.done) return step.decision;
  const digest = turn.ports.packaging.digestOf(step.outputs);
  const version = await turn.ports.registry.register({
    model: turn.model,
    digest,
    modelId: model.modelId,
    runId: model.runId,
    datasetVersionId: prepared.datasetVersionId,
    datasetDigest: prepared.dataDigest,
  });
  if (version.version === turn.championVersion) {
    const reason = `the script made the champion's own model again (version ${version.version})`;
    return { do: 'move', to: 'rejected', reason, evidence: { packageDigest: digest } };
  }
  await requireFit(turn, prepared, version);
  return {
    do: 'move',
    to: 'evaluating',
    reason: `registered as version ${version.version} of ${turn.model}`,
    evidence: {
      version: version.version,
      packageDigest: digest,
      datasetVersionId: prepared.datasetVersionId,
    },
    change: { packageDigest: digest },
    challengerVersion: version.version,
  };
};

/** A model that asks for columns which the data do not have could be trained, but never be asked. */
async function requireFit(
  turn: TurnContext,
  prepared: NonNullable<TurnData['prepared']>,
  v: PackagedVersion,
) {
  await turn.ports.data.requireFit(
    prepared.datasetVersionId,
    `version ${v.version} of model ${turn.model}`,
    v.inputs,
  );
}

/** `evaluating`: judges the challenger, and the champion beside it, on the held-out rows. */
export const evaluating: StateHandler = async (turn) => {
  const { file, data } = turn;
  const prepared = known(data.prepared, 'prepared data');
  const candidateDigest = known(data.packageDigest, 'package');
  const version = known(turn.challengerVersion, 'version');
  const champion = await turn.champion();
  const subject = `${turn.model}/${version}`;
  const step = await runStep(turn, 'evaluate', 'evaluate', () =>
    turn.ports.evaluation.stepInputs({
      subject,
      candidateDigest,
      championDigest: champion?.digest ?? null,
      datasetDigest: prepared.dataDigest,
      holdout: { by: 'time', column: file.data.time, from: prepared.boundary, to: prepared.end },
      labelColumn: file.data.label.column,
      positiveClass: file.data.label.positive,
      segments: file.evaluate.segments,
      threshold: file.evaluate.threshold,
      gates: champion
        ? file.evaluate.gates
        : file.evaluate.gates.filter((gate) => gate.against === undefined),
    }),
  );
  if (!step.done) return step.decision;
  const judgement = await turn.ports.evaluation.record(step.id, subject, step.outputs);
  await turn.ports.registry.recordGates(turn.model, version, judgement);
  return {
    do: 'move',
    to: 'gating',
    reason: `judged on ${prepared.holdoutRows.toLocaleString('en-US')} rows${champion ? `, beside version ${champion.version}` : ''}`,
    evidence: { evaluationId: judgement.evaluationId, championVersion: champion?.version ?? null },
    change: {
      evaluationId: judgement.evaluationId,
      verdict: judgement.verdict,
      gates: [...judgement.gates],
      championDigest: champion?.digest ?? null,
    },
  };
};

import { runStep, type StateHandler, type TurnContext } from '../engine/turn-context.ts';
import type { PackagedVersion } from '../ports.ts';
import type { TurnData } from '../turn-data.ts';
import { fitModel, judgementOf, packageModel } from './fit-model.ts';
import { known } from './known.ts';
import { madeBefore } from './made-before.ts';

/** `training`: runs the script on the training rows and finds the model that it logged. */
export const training: StateHandler = async (turn) => {
  const { trainDigest: digest, trainRows: count } = known(turn.data.prepared, 'prepared data');
  const fitted = await fitModel(turn, 'train', { digest, count });
  if (!fitted.done) return fitted.decision;
  const { stepRunId } = fitted;
  const { modelId, runId, name } = fitted.logged;
  return {
    do: 'move',
    to: 'packaging',
    reason: `run ${runId} logged model ${name}`,
    evidence: { runId, modelId, stepRunId },
    change: { model: { runId, modelId, name, stepRunId } },
  };
};

/** `packaging`: makes the logged model servable, checks that it fits the data, and registers it as a version. */
export const packaging: StateHandler = async (turn) => {
  const model = known(turn.data.model, 'logged model');
  const prepared = known(turn.data.prepared, 'prepared data');
  const stepRunId = model.stepRunId ?? known(await turn.step('train'), 'train step').id;
  const packaged = await packageModel(turn, 'package', prepared, { ...model, stepRunId });
  if (!packaged.done) return packaged.decision;
  const { digest } = packaged;
  const version = await turn.ports.registry.register({
    model: turn.model,
    digest,
    modelId: model.modelId,
    runId: model.runId,
    datasetVersionId: prepared.datasetVersionId,
    datasetDigest: prepared.dataDigest,
  });
  const evidence = { version: version.version, packageDigest: digest };
  const before = await madeBefore(turn, version.version);
  if (before.refused) return { do: 'move', to: 'rejected', reason: before.reason, evidence };
  await requireFit(turn, prepared, version);
  return {
    do: 'move',
    to: 'evaluating',
    reason: `registered as version ${version.version} of ${turn.model}${before.note}`,
    evidence: { ...evidence, datasetVersionId: prepared.datasetVersionId },
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

/**
 * `evaluating`: judges the challenger, and the champion beside it, on the held-out rows. A champion that was refitted
 * on all of its rows may have been trained on some of these; the model that it was refitted from stands for it.
 */
export const evaluating: StateHandler = async (turn) => {
  const version = known(turn.challengerVersion, 'version');
  const prepared = known(turn.data.prepared, 'prepared data');
  const champion = await turn.judgedChampion();
  const step = await runStep(turn, 'evaluate', 'evaluate', () =>
    turn.ports.evaluation.stepInputs(
      judgementOf(turn, known(turn.data.packageDigest, 'package'), champion?.digest ?? null),
    ),
  );
  if (!step.done) return step.decision;
  const judgement = await turn.ports.evaluation.record(step.id, `${turn.model}/${version}`, step.outputs);
  await turn.ports.registry.recordGates(turn.model, version, judgement);
  const isStandIn = champion && champion.version !== turn.championVersion;
  const standsFor = isStandIn ? `, which champion ${turn.championVersion} was refitted from` : '';
  const beside = champion ? `, beside version ${champion.version}${standsFor}` : '';
  return {
    do: 'move',
    to: 'gating',
    reason: `judged on ${prepared.holdoutRows.toLocaleString('en-US')} rows${beside}`,
    evidence: {
      evaluationId: judgement.evaluationId,
      championVersion: turn.championVersion,
      comparedVersion: champion?.version ?? null,
    },
    change: {
      evaluationId: judgement.evaluationId,
      verdict: judgement.verdict,
      gates: [...judgement.gates],
      championDigest: champion?.digest ?? null,
    },
  };
};

import { runStep, type StateHandler } from '../engine/turn-context.ts';
import type { TurnData } from '../turn-data.ts';
import { fitModel, judgementOf, packageModel } from './fit-model.ts';
import { goLive } from './go-live.ts';
import { known } from './known.ts';
import { madeBefore } from './made-before.ts';

/**
 * `refitting`: what the gates let through is trained once more, by the same settings, on all rows, and goes on in its
 * place as a version of its own. The hold-out cannot judge it any more; that it is the same kind of model is checked:
 * the same signature, finite scores, and the gates, beside the judged model, on the rows that both were given. Failing
 * one of them ends the turn: something in the newest rows or in the script is not as it was.
 */
export const refitting: StateHandler = async (turn) => {
  const prepared = known(turn.data.prepared, 'prepared data');
  const judged = known(turn.data.model, 'logged model');
  const judgedDigest = known(turn.data.packageDigest, 'package');
  const judgedVersion = known(turn.challengerVersion, 'version');
  const { dataDigest, rows } = prepared;
  const fitted = await fitModel(turn, 'refit/train', { digest: dataDigest, count: rows });
  if (!fitted.done) return fitted.decision;
  const { runId, modelId, name } = fitted.logged;
  const model = { runId, modelId, name, stepRunId: fitted.stepRunId };
  const packaged = await packageModel(turn, 'refit/package', prepared, model);
  if (!packaged.done) return packaged.decision;
  const { digest } = packaged;
  const evidence = { runId, modelId, packageDigest: digest, judgedVersion, rows };
  if (digest === judgedDigest) {
    return goLive(turn, { reason: `all rows give the model of version ${judgedVersion} again`, evidence });
  }
  const difference = await turn.ports.packaging.difference(judgedDigest, digest);
  if (difference !== null) return rejected(judgedVersion, difference, evidence);

  const step = await runStep(turn, 'refit/evaluate', 'evaluate', () =>
    turn.ports.evaluation.stepInputs(judgementOf(turn, digest, judgedDigest)),
  );
  if (!step.done) return step.decision;
  const { verdict, gates: checks } = turn.ports.evaluation.read(step.outputs);
  if (verdict === 'fail') {
    const failed = checks.filter((check) => check.verdict === 'fail');
    const what = failed.map((check) => `${check.name} (${check.reason})`).join('; ');
    return rejected(judgedVersion, what, { ...evidence, checks });
  }
  const { version } = await turn.ports.registry.register({
    model: turn.model,
    digest,
    modelId,
    runId,
    datasetVersionId: prepared.datasetVersionId,
    datasetDigest: dataDigest,
    refitOf: { version: judgedVersion, rows },
  });
  const before = await madeBefore(turn, version);
  if (before.refused) return { do: 'move', to: 'rejected', reason: before.reason, evidence };
  const refit: TurnData['refit'] = {
    judgedVersion,
    judgedRunId: judged.runId,
    judgedPackageDigest: judgedDigest,
    rows,
    checks: [...checks],
  };
  return goLive(turn, {
    reason: `refitted on all ${rows.toLocaleString('en-US')} rows as version ${version}; what was judged is version ${judgedVersion}${before.note}`,
    evidence: { ...evidence, version, checks },
    change: { model, packageDigest: digest, refit },
    challengerVersion: version,
  });
};

function rejected(judgedVersion: number, what: string, evidence: Readonly<Record<string, unknown>>) {
  const reason = `refitted on all rows, version ${judgedVersion} is another model: ${what}`;
  return { do: 'move', to: 'rejected', reason, evidence } as const;
}

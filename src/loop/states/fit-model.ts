import { MillraceError } from '../../core/errors.ts';
import type { Digest } from '../../core/json.ts';
import { parseDuration } from '../../core/time.ts';
import { type Decision, runStep, type TurnContext } from '../engine/turn-context.ts';
import type { EvaluateRequest, LoggedModel } from '../ports.ts';
import type { TurnData } from '../turn-data.ts';
import { known } from './known.ts';

type Prepared = NonNullable<TurnData['prepared']>;

/** What the training script has logged, with the step in which it ran. */
interface FittedModel {
  readonly stepRunId: string;
  readonly logged: LoggedModel;
}

type Fitted = ({ readonly done: true } & FittedModel) | { readonly done: false; readonly decision: Decision };

/**
 * Runs the training script on some rows, by the turn's settings, and finds the newest model that it logged. A script
 * that logged none fails the turn with `train_no_model`.
 *
 * @param role what the turn uses the step for: `train`, `refit/train`
 */
export async function fitModel(
  turn: TurnContext,
  role: string,
  rows: { readonly digest: Digest; readonly count: number },
): Promise<Fitted> {
  const { file, overrides } = turn;
  const step = await runStep(
    turn,
    role,
    'train',
    () => ({
      run: overrides.run ?? file.train.run,
      params: { ...file.train.params, ...overrides.params },
      dataDigest: rows.digest,
      dataRows: rows.count,
      files: turn.codeFiles,
      experiment: turn.loop,
    }),
    parseDuration(file.train.timeout),
  );
  if (!step.done) return step;
  const { runIds, models } = await turn.ports.experiments.loggedBy(step.id);
  const logged = models.at(-1);
  if (logged) return { done: true, stepRunId: step.id, logged };
  const runs = runIds.length === 0 ? 'none' : runIds.join(', ');
  const { code, message, next } = new MillraceError('train_no_model', { runs });
  return {
    done: false,
    decision: { do: 'fail', code, message: `${message}. ${next}`, stepRunId: step.id },
  };
}

/**
 * Makes a model that the turn's script logged servable; the package's digest. Another form of the model (ONNX) is
 * compared with it on the hold-out.
 *
 * @param role what the turn uses the step for: `package`, `refit/package`
 */
export async function packageModel(
  turn: TurnContext,
  role: string,
  prepared: Prepared,
  model: { readonly stepRunId: string; readonly modelId: string },
): Promise<
  { readonly done: true; readonly digest: Digest } | { readonly done: false; readonly decision: Decision }
> {
  const step = await runStep(turn, role, 'package', async () => {
    const { models } = await turn.ports.experiments.loggedBy(model.stepRunId);
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
  if (!step.done) return step;
  return { done: true, digest: turn.ports.packaging.digestOf(step.outputs) };
}

/**
 * How a package is judged on the turn's hold-out, beside another one. Gates against the champion are left out when
 * there is none.
 */
export function judgementOf(
  turn: TurnContext,
  candidateDigest: Digest,
  championDigest: Digest | null,
): EvaluateRequest {
  const { data, evaluate } = turn.file;
  const { dataDigest, boundary, end } = known(turn.data.prepared, 'prepared data');
  return {
    candidateDigest,
    championDigest,
    datasetDigest: dataDigest,
    holdout: { by: 'time', column: data.time, from: boundary, to: end },
    labelColumn: data.label.column,
    positiveClass: data.label.positive,
    segments: evaluate.segments,
    threshold: evaluate.threshold,
    gates: evaluate.gates.filter((gate) => championDigest !== null || gate.against === undefined),
  };
}

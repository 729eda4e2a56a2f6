import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { fail } from '../../../core/errors.ts';
import { inheritedVariables } from '../../../core/inherited-variables.ts';
import { installationDirectory } from '../../../core/installation.ts';
import type { SignatureField } from '../../../core/model-package.ts';
import { attemptVariable, noteProcess, runCommand } from '../../../platform/executors/local/index.ts';
import type { StepContext } from '../../../platform/registries/index.ts';

const script = join(installationDirectory, 'python/convert.py');
const refusedExit = 3;

const reportSchema = z.object({
  rows: z.int(),
  maxAbsDifference: z.number(),
  numbersAs: z.string(),
  /** Columns of which it takes no value as well as the model does. */
  missing: z.array(z.string()),
  classes: z.array(z.union([z.string(), z.number(), z.boolean().transform(String)])).nullable(),
  /** The output that a booster's own `predict` gives; null for other models. */
  primary: z.string().nullable(),
  holdout: z.object({ rows: z.int(), maxAbsDifference: z.number() }).nullable(),
});
const refusalSchema = z.object({
  problem: z.string(),
  remedy: z.string(),
  difference: z.number().nullable(),
});

/** Why a model has no ONNX form that is as good; it can still be served as Python. */
export class NotConverted extends Error {
  readonly remedy: string;
  /** How far the two are apart, where they could be compared. */
  readonly difference: number | null;

  constructor({ problem, remedy, difference }: z.infer<typeof refusalSchema>) {
    super(problem);
    this.remedy = remedy;
    this.difference = difference;
  }
}

interface ConvertedModel extends z.infer<typeof reportSchema> {
  readonly onnx: Uint8Array;
}

type Rows = readonly Readonly<Record<string, unknown>>[];

/**
 * Has python/convert.py convert a model to ONNX and compare the two. Throws `NotConverted` when it cannot be
 * converted or differs by more than `bound`, `python_missing` when Python or the conversion packages are not there.
 *
 * @param directory the logged model as MLflow laid it out
 * @param sample rows to compare on; the script varies them
 * @param holdout rows that were held out of the training, to compare on as well
 */
export async function convertModel(
  context: StepContext,
  python: string,
  model: { readonly flavor: string; readonly directory: string; readonly inputs: readonly SignatureField[] },
  sample: Rows,
  holdout: Rows,
  bound: number,
): Promise<ConvertedModel> {
  const file = (name: string) => join(context.workDir, name);
  await writeFile(file('signature.json'), JSON.stringify(model.inputs));
  await writeFile(file('rows.json'), JSON.stringify(sample));
  const paths = {
    signature: file('signature.json'),
    rows: file('rows.json'),
    out: file('converted.onnx'),
    report: file('report.json'),
  };
  const args = [script, '--model', model.directory, '--flavor', model.flavor, '--bound', String(bound)];
  for (const [name, path] of Object.entries(paths)) args.push(`--${name}`, path);
  if (holdout.length > 0) {
    await writeFile(file('holdout.json'), JSON.stringify(holdout));
    args.push('--holdout', file('holdout.json'));
  }

  const lines: string[] = [];
  const missing = (problem: string, cause?: unknown) =>
    fail('python_missing', { path: python, flavor: model.flavor, problem }, cause);
  const end = await runCommand({
    program: python,
    args,
    cwd: context.workDir,
    env: {
      ...inheritedVariables(process.env),
      PYTHONUNBUFFERED: '1',
      PYTHONUTF8: '1',
      GIT_PYTHON_REFRESH: 'quiet',
      [attemptVariable]: context.workDir,
    },
    signal: context.signal,
    onStart: (pid) => void noteProcess(context.workDir, pid).catch(() => {}),
    onLine: (line, stream) => {
      context.log(line, stream);
      if (stream === 'stderr' && line.trim() !== '') lines.push(line);
    },
  }).catch((error: Error) => {
    throw missing(error.message, error);
  });
  context.signal.throwIfAborted();
  if (end.code === refusedExit) {
    throw new NotConverted(refusalSchema.parse(JSON.parse(await readFile(paths.report, 'utf8'))));
  }
  const last = lines.at(-1) ?? `it ended with ${end.signal ?? `exit code ${end.code}`}`;
  if (end.code !== 0 && /ModuleNotFoundError|ImportError/.test(last)) throw missing(last);
  if (end.code !== 0)
    throw new NotConverted({
      problem: `the conversion failed: ${last}`,
      remedy: 'Look at the log of the step; or log the model as ONNX.',
      difference: null,
    });
  const report = reportSchema.parse(JSON.parse(await readFile(paths.report, 'utf8')));
  return { ...report, onnx: await readFile(paths.out) };
}

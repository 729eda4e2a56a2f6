import { copyFile, mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fail } from '../../../core/errors.ts';
import { inheritedVariables, withoutProxyTo } from '../../../core/inherited-variables.ts';
import {
  attemptVariable,
  type CommandEnd,
  noteProcess,
  runCommand,
} from '../../../platform/executors/local/index.ts';
import { defineStepKind, type StepContext } from '../../../platform/registries/index.ts';
import { environmentOf, OutputTail, tellCodeState } from './code-state.ts';
import { commandLine } from './command-line.ts';
import { type TrainInputs, trainInputsSchema, trainOutputsSchema } from './contract.ts';

const dayMs = 86_400_000;
const keptLines = 40;
const quotedLines = 8;

/**
 * The step kind `train`: runs a training script, unchanged, on the training rows, with MLflow's variables set so
 * that all it logs comes to control under this step's name.
 *
 * @param python the program that `python` and `python3` stand for in the command
 */
export function trainStep(python: string) {
  return defineStepKind({
    kind: 'train',
    place: 'work',
    inputs: trainInputsSchema,
    outputs: trainOutputsSchema,
    timeoutMs: dayMs,
    run: (inputs, context) => train(python, inputs, context),
  });
}

async function train(python: string, inputs: TrainInputs, context: StepContext) {
  const beganMs = performance.now();
  const code = join(context.workDir, 'code');
  await placeFiles(inputs, context, code);
  const dataPath = join(context.workDir, 'train.parquet');
  await symlink(await context.blobs.path(inputs.dataDigest), dataPath);

  const words = commandLine(inputs.run, inputs.params, dataPath);
  const shown = words.map((word) => word.replaceAll(dataPath, '${data}'));
  context.log(`${shown.join(' ')}  (${inputs.dataRows} rows)`);
  const lastErrors: string[] = [];
  const [named = '', ...args] = words;
  const program = /^python3?$/.test(named) ? python : named;
  const env = environment(inputs, context, dataPath);
  const isPython = program === python || /(^|\/)python[\d.]*$/.test(program);
  const about = isPython ? environmentOf(program, env, code, context.signal) : Promise.resolve(null);
  const output = new OutputTail();
  let end: CommandEnd;
  try {
    end = await runCommand({
      program,
      args,
      cwd: code,
      env,
      signal: context.signal,
      onStart: (pid) => void noteProcess(context.workDir, pid).catch(() => {}),
      onLine: (line, stream) => {
        context.log(line, stream);
        output.add(line);
        if (stream !== 'stderr' || line.trim() === '') return;
        lastErrors.push(line);
        if (lastErrors.length > keptLines) lastErrors.shift();
      },
    });
  } catch (error) {
    const problem = (error as Error).message;
    throw fail('train_python_missing', { program, problem }, error);
  }
  context.signal.throwIfAborted();
  await tellCodeState(context, code, await about, output.text);
  if (end.code !== 0) throw scriptFailed(shown, end, lastErrors);
  return { command: shown, durationMs: performance.now() - beganMs };
}

async function placeFiles(inputs: TrainInputs, context: StepContext, code: string): Promise<void> {
  await mkdir(code, { recursive: true });
  for (const file of inputs.files) {
    const target = join(code, file.path);
    await mkdir(dirname(target), { recursive: true });
    await copyFile(await context.blobs.path(file.digest), target);
  }
}

function environment(inputs: TrainInputs, context: StepContext, dataPath: string): Record<string, string> {
  return {
    ...withoutProxyTo(
      new URL(context.controlUrl).hostname.replace(/^\[|\]$/g, ''),
      inheritedVariables(process.env),
    ),
    PYTHONUNBUFFERED: '1',
    GIT_PYTHON_REFRESH: 'quiet',
    MLFLOW_TRACKING_URI: context.controlUrl,
    MLFLOW_TRACKING_TOKEN: context.token,
    MLFLOW_EXPERIMENT_NAME: inputs.experiment,
    MILLRACE_TRAIN_DATA: dataPath,
    [attemptVariable]: context.workDir,
  };
}

function scriptFailed(command: readonly string[], end: CommandEnd, errors: readonly string[]) {
  const ending = end.signal ? `signal ${end.signal}` : `exit code ${end.code}`;
  const last = errors.slice(-quotedLines).join('\n');
  const lastLines = last === '' ? 'it wrote nothing to stderr' : last;
  return fail('train_script_failed', { command: command.join(' '), ending, lastLines });
}

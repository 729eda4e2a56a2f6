import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { inheritedVariables } from '../../core/inherited-variables.ts';
import { installationDirectory } from '../../core/installation.ts';
import { readLines } from '../log/index.ts';

const attendedScript = join(installationDirectory, 'python/attended.py');
const longestMs = 2 * 3_600_000;

/** onnxruntime and MLflow report what they do to their makers unless these are set. */
const noTelemetry = { ORT_DISABLE_TELEMETRY: '1', MLFLOW_DISABLE_TELEMETRY: 'true' };

/** The environment of programs of Python. Texts are UTF-8 in any locale: else a model answers otherwise on another machine. */
export function pythonVariables(more: Readonly<Record<string, string>> = {}): Record<string, string> {
  return {
    ...inheritedVariables(process.env),
    PYTHONUNBUFFERED: '1',
    PYTHONUTF8: '1',
    ...noTelemetry,
    ...more,
  };
}

/** Ends a process that was started as the first of its group, and whatever else is in that. */
export function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nobody is left in it.
  }
}

/**
 * Runs a program, in a process group of its own, to its end and gives its lines, of both streams. Rejects when it
 * cannot be started, and when it takes longer than two hours.
 */
export function runProgram(
  program: string,
  args: readonly string[],
  onLine: (line: string) => void = () => {},
  cwd?: string,
): Promise<{ readonly code: number | null; readonly lines: readonly string[] }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      env: pythonVariables(),
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const timer = setTimeout(() => {
      killGroup(child.pid);
      reject(new Error(`it took longer than ${longestMs / 60_000} minutes`));
    }, longestMs);
    const lines: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      void readLines(stream, (line) => {
        lines.push(line);
        onLine(line);
      });
    }
    child.once('error', (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve({ code, lines });
    });
  });
}

/** Runs a module as `python -m` does, for no longer than this process runs: nobody would wait for it. */
export function runAttended(
  python: string,
  module: string,
  args: readonly string[],
  onLine?: (line: string) => void,
  cwd?: string,
) {
  return runProgram(python, [attendedScript, module, ...args], onLine, cwd);
}

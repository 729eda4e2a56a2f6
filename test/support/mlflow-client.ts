import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
export const mlflow3 = process.env.MILLRACE_PYTHON ?? `${root}.venv/bin/python`;
export const mlflow2 = `${root}.venv-mlflow2/bin/python`;
const timeoutMs = 240_000;

/** Runs a script of `test/contract/clients/`; `onLine` sees what it prints. Gives its last line; fails with all that it wrote. */
export async function runScript(
  python: string,
  file: string,
  options: {
    readonly url: string;
    readonly args?: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
    readonly onLine?: (line: string) => void;
  },
): Promise<string> {
  const path = fileURLToPath(new URL(`../contract/clients/${file}`, import.meta.url));
  const child = spawn(python, ['-W', 'ignore', path, ...(options.args ?? [])], {
    env: {
      ...process.env,
      MLFLOW_TRACKING_URI: options.url,
      MLFLOW_DISABLE_TELEMETRY: 'true',
      MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT: 'true',
      ...options.env,
    },
    signal: AbortSignal.timeout(timeoutMs),
  });
  const lines: string[] = [];
  createInterface(child.stdout).on('line', (line) => {
    lines.push(line);
    options.onLine?.(line);
  });
  const [errors, code] = await Promise.all([
    text(child.stderr),
    new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve)),
  ]);
  assert.equal(code, 0, `${file}:\n${lines.join('\n')}\n${errors}`);
  return lines.at(-1) ?? '';
}

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startServer } from '../support/server.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const mlflow3 = process.env.MILLRACE_PYTHON ?? `${root}.venv/bin/python`;
const mlflow2 = `${root}.venv-mlflow2/bin/python`;
const timeoutMs = 240_000;

/** Runs a script of `clients/`; `onLine` sees what it prints. Gives its last line; fails with all that it wrote. */
async function runScript(
  python: string,
  file: string,
  options: {
    readonly url: string;
    readonly args?: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
    readonly onLine?: (line: string) => void;
  },
): Promise<string> {
  const path = fileURLToPath(new URL(`clients/${file}`, import.meta.url));
  const child = spawn(python, ['-W', 'ignore', path, ...(options.args ?? [])], {
    env: {
      ...process.env,
      MLFLOW_TRACKING_URI: options.url,
      MLFLOW_DISABLE_TELEMETRY: 'true',
      MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT: 'true',
      PYTHONDONTWRITEBYTECODE: '1',
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

test('the whole client works, with MLflow 3 and the last MLflow 2, and autologging', async (t) => {
  const { url } = await startServer(t, { role: 'control' });
  assert.match(await runScript(mlflow3, 'methods.py', { url }), /^mlflow 3\.\d+\.\d+: done$/);
  assert.match(await runScript(mlflow2, 'methods.py', { url }), /^mlflow 2\.22\.\d+: done$/);
  assert.equal(await runScript(mlflow3, 'autologging.py', { url }), 'autologging: done');
});

test('a script loses no point while the server is killed and started again', async (t) => {
  const server = await startServer(t, { role: 'control' });
  let restarted: Promise<void> | undefined;
  const restart = async (): Promise<void> => {
    await server.kill();
    await server.start();
  };
  await runScript(mlflow3, 'outage.py', {
    url: server.url,
    args: ['120'],
    env: { MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR: '1', MLFLOW_HTTP_REQUEST_BACKOFF_JITTER: '0' },
    onLine: (line) => {
      if (line === 'step 40') restarted = restart();
    },
  });
  assert.ok(restarted, 'the server was never taken away');
  await restarted;
});

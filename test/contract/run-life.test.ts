import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startServer } from '../support/server.ts';

const run = promisify(execFile);
const python = fileURLToPath(new URL('../../.venv/bin/python', import.meta.url));

test("runs that die, names that are freed and what goes for good, seen by MLflow's client", async (t) => {
  const server = await startServer(t, {
    role: 'control',
    env: { MILLRACE_RUN_LOST_AFTER: '2s' },
  });
  const script = fileURLToPath(new URL('run_life.py', import.meta.url));
  const env = {
    ...process.env,
    MLFLOW_TRACKING_URI: server.url,
    MLFLOW_DISABLE_TELEMETRY: 'true',
  };
  const { stdout } = await run(python, ['-W', 'ignore', script], { env }).catch(
    (error: { stdout: string; stderr: string }) => {
      throw new Error(`run_life.py failed:\n${error.stdout}\n${error.stderr}`);
    },
  );
  assert.match(stdout, /as expected/);
});

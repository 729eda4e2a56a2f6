import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startServer } from '../support/server.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const python = process.env.MILLRACE_PYTHON ?? join(root, '.venv/bin/python');

/** Another seed gives other searches: `MILLRACE_FUZZ_SEED=7 MILLRACE_FUZZ_CASES=5000`. */
const seed = process.env.MILLRACE_FUZZ_SEED ?? '1';
const cases = process.env.MILLRACE_FUZZ_CASES ?? '300';

test(`random searches find the same as MLflow's server, or are refused by both (seed ${seed})`, async (t) => {
  const scratch = await mkdtemp(join(tmpdir(), 'millrace-search-fuzz-'));
  t.after(() => rm(scratch, { recursive: true, force: true }));
  const server = await startServer(t, { role: 'control' });
  const file = join(root, 'test/contract/mlflow-search-fuzz.py');
  const { stdout } = await promisify(execFile)(
    python,
    ['-W', 'ignore', file, server.url, scratch, seed, cases],
    {
      maxBuffer: 64 * 1024 * 1024,
    },
  ).catch((error: { readonly stdout: string; readonly stderr: string }) => {
    throw new Error(`seed ${seed}:\n${error.stdout}\n${error.stderr}`);
  });
  t.diagnostic(stdout.trim());
  assert.match(stdout, / 0 differences/);
});

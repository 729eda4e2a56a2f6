import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** What may come on top between the first third and the end; a leak of each model would be a multiple. */
const mostGrowth = 1.3;

test('memory comes back when models are closed, and stays as it is over many requests', async (t) => {
  const script = fileURLToPath(new URL('./fixtures/load-cycles.ts', import.meta.url));
  const flags = ['--expose-gc', '--disable-warning=ExperimentalWarning', script];
  const { stdout } = await promisify(execFile)(process.execPath, flags);
  const parts = JSON.parse(stdout) as Record<string, { first: number; last: number }>;
  assert.deepEqual(Object.keys(parts), ['here', 'thread', 'placed', 'requests']);
  for (const [name, { first, last }] of Object.entries(parts)) {
    t.diagnostic(`${name}: ${(first / 1e6).toFixed(0)} MB, then ${(last / 1e6).toFixed(0)} MB`);
    assert.ok(last < first * mostGrowth, `${name}: ${first} bytes became ${last}`);
  }
});

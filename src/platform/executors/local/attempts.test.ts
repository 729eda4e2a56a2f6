import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Attempts, attemptVariable, noteProcess } from './index.ts';

test('what a killed worker left running ends with the next start, and not with that of a copy', {
  skip: process.platform !== 'linux',
}, async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'millrace-attempts-'));
  t.after(() => rm(root, { recursive: true }));
  const own = join(root, 'own');
  const workDir = await new Attempts(own).open('step-1');
  const child = spawn('sleep', ['60'], {
    env: { ...process.env, [attemptVariable]: workDir },
    detached: true,
  });
  t.after(() => child.kill('SIGKILL'));
  await once(child, 'spawn');
  await noteProcess(workDir, child.pid ?? 0);

  const copy = join(root, 'copy');
  await cp(own, copy, { recursive: true });
  await new Attempts(copy).clear();
  assert.deepEqual(await readdir(copy), []);
  assert.equal(child.signalCode, null);
  process.kill(child.pid ?? 0, 0);

  const ended = once(child, 'exit');
  await new Attempts(own).clear();
  assert.deepEqual(await ended, [null, 'SIGKILL']);
  assert.deepEqual(await readdir(own), []);
});

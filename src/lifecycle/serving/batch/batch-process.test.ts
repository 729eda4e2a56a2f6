import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { BatchProcess } from './batch-process.ts';

test('a process that cannot be started has ended for who waits for it', async (t) => {
  const workDir = await mkdtemp(join(tmpdir(), 'millrace-batch-process-'));
  const { execPath } = process;
  t.after(async () => {
    process.execPath = execPath;
    await rm(workDir, { recursive: true });
  });
  process.execPath = '/nowhere/node';
  const { signal } = new AbortController();
  const child = await BatchProcess.start(workDir, signal);
  child.send({ type: 'kept' });
  await assert.rejects(child.next(signal), { code: 'batch_process_ended', message: /ENOENT/ });
  await child.stop();
});

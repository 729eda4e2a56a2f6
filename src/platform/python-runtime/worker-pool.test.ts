import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { MillraceError } from '../../core/errors.ts';
import { createLogger } from '../log/index.ts';
import { WorkerPool } from './worker-pool.ts';
import { WorkerProcess } from './worker-process.ts';

test('what cannot be sent to a worker leaves it to the others', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-pool-'));
  const python = join(directory, 'silent');
  await writeFile(python, '#!/bin/sh\nexec sleep 600\n', { mode: 0o755 });
  const start = async () =>
    new WorkerProcess({
      python,
      environment: {},
      workingDirectory: directory,
      memoryBytes: 1e12,
      onLine: () => undefined,
    });
  const logger = createLogger('test', 'silent');
  const pool = await WorkerPool.open({
    size: 1,
    start,
    timeoutMs: 300,
    model: 'm',
    version: '1',
    logger,
  });
  t.after(async () => {
    await pool.close();
    await rm(directory, { recursive: true });
  });
  let deep: unknown = 1;
  for (let i = 0; i < 100_000; i++) deep = [deep];
  const header = { op: 'predict', params: { deep } };
  const none = new Uint8Array(0);
  await assert.rejects(pool.run(header, none), RangeError);
  await assert.rejects(pool.stream(header, none, new AbortController().signal).next(), RangeError);
  // The worker is asked, and says nothing: it was neither busy nor away.
  const asked = pool.run({ op: 'predict' }, none);
  // A deadline may be further off than a timer can wait.
  const patient = pool.run({ op: 'predict' }, none, { waitMs: 365 * 86_400_000 });
  const told = assert.rejects(patient, { code: 'model_restarting' });
  await assert.rejects(pool.run({ op: 'predict' }, none, { waitMs: 1 }), { code: 'model_busy' });
  await assert.rejects(asked, { code: 'python_timeout' });
  await pool.close();
  await told;
});

test('who finds no worker is told when one should be there again: after as long as the last one took to start', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-pool-'));
  const python = join(directory, 'silent');
  await writeFile(python, '#!/bin/sh\nexec sleep 600\n', { mode: 0o755 });
  const now = performance.now.bind(performance);
  let laterMs = 0;
  t.mock.method(performance, 'now', () => now() + laterMs);
  const workers: WorkerProcess[] = [];
  const start = async () => {
    if (workers.length > 0) return new Promise<WorkerProcess>(() => {});
    const onLine = () => undefined;
    workers.push(
      new WorkerProcess({ python, environment: {}, workingDirectory: directory, memoryBytes: 1e12, onLine }),
    );
    laterMs = 4500;
    return workers[0] as WorkerProcess;
  };
  const logger = createLogger('test', 'silent');
  const pool = await WorkerPool.open({ size: 1, start, timeoutMs: 60_000, model: 'm', version: '1', logger });
  t.after(async () => {
    await pool.close();
    await rm(directory, { recursive: true });
  });
  workers[0]?.end('it is no longer wanted');
  await workers[0]?.ended;
  await assert.rejects(pool.run({}, new Uint8Array(), { waitMs: 1 }), (error: MillraceError) => {
    assert.equal(error.code, 'model_restarting');
    assert.equal(error.params.retryAfterSeconds, 5);
    return true;
  });
});

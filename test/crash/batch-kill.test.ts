import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { z } from 'zod';
import { batchPredictionSchema } from '../../src/lifecycle/serving/batch/contract.ts';
import { openDirectoryBlobs } from '../../src/platform/blobs/index.ts';
import { ControlClient } from '../../src/platform/client/index.ts';
import { DirectFrames } from '../../src/platform/frames/direct-frames.ts';
import { logisticOnnx, logisticPackage } from '../../src/platform/onnx/testing.ts';
import { startServer } from '../support/server.ts';
import { storePackage } from '../support/serving.ts';

const run = promisify(execFile);
const main = join(import.meta.dirname, '../../src/main.ts');
const rowCount = 500_000;

test('kill -9 of the worker half way: the command ends with one answer for each row, logged once', async (t) => {
  const cleanup: (() => void | Promise<void>)[] = [];
  t.after(async () => {
    for (const fn of cleanup.reverse()) await fn();
  });
  const directory = await mkdtemp(join(tmpdir(), 'millrace-batch-kill-'));
  cleanup.push(() => rm(directory, { recursive: true, force: true }));
  const frames = await DirectFrames.open({ memoryLimit: '400MB', temporaryDirectory: directory, threads: 1 });
  cleanup.push(() => frames.close());
  const server = await startServer({ after: (fn) => cleanup.push(fn) });
  const client = new ControlClient(server.url);

  const local = await openDirectoryBlobs(join(directory, 'blobs'));
  const packageDigest = await storePackage(local, logisticOnnx(), logisticPackage());
  for await (const { digest } of local.list()) await client.putBlob(await local.bytes(digest));
  const any = z.unknown();
  await client.call('/api/v1/endpoints', { body: { name: 'churn', model: 'churn' }, schema: any });
  await client.call('/api/v1/endpoints/churn/deploy', {
    body: { modelVersion: '1', packageDigest, reason: 'test' },
    schema: any,
  });
  const input = join(directory, 'input.parquet');
  await frames.run(
    `COPY (SELECT 'k' || range AS key, (range % 11)::DOUBLE AS x1, CASE WHEN range % 1000 = 7 THEN NULL ELSE range % 13 END AS x2
     FROM range(${rowCount})) TO '${input}' (FORMAT parquet)`,
  );
  const output = join(directory, 'output.parquet');
  const command = run(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', main, 'predict', 'churn', input, '--out', output, '--log'],
    { env: { ...process.env, MILLRACE_URL: server.url } },
  );

  const list = z.object({ items: z.array(batchPredictionSchema) });
  const current = async () => (await client.call('/api/v1/batch-predictions', { schema: list })).items[0];
  for (;;) {
    const batch = await current();
    if (batch && batch.progress.rows > 0) break;
    await sleep(20);
  }
  server.killRole('work');
  const { stdout } = await command;
  assert.match(stdout, /500,000 rows scored by version 1 of churn, 500 rows without a prediction/);
  const batch = await current();
  assert.ok((batch?.attempts ?? 0) > 1, 'another attempt went on with it');

  const rows = await frames.query(
    `SELECT count(*) AS rows, count(DISTINCT key) AS keys, count(prediction) AS answered, count(error) AS failed,
       bool_and(key = 'k' || file_row_number) AS ordered
     FROM read_parquet('${output}', file_row_number = true)`,
  );
  assert.deepEqual(rows, [
    { rows: rowCount, keys: rowCount, answered: rowCount - 500, failed: 500, ordered: true },
  ]);
  const segments = await client.call('/api/v1/prediction-segments?endpoint=churn&limit=100', {
    schema: z.object({ items: z.array(z.object({ rows: z.number() })) }),
  });
  assert.equal(
    segments.items.reduce((sum, segment) => sum + segment.rows, 0),
    rowCount,
  );
});

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { digestOf } from '../../../core/json.ts';
import type { Actor } from '../../../platform/access/index.ts';
import { deleteUnused, openDirectoryBlobs } from '../../../platform/blobs/index.ts';
import { forEachDatabase, type OpenDatabase } from '../../../platform/db/testing.ts';
import { Journal, journalMigrations } from '../../../platform/journal/index.ts';
import { servingMigrations } from '../migrations.ts';
import { type BatchPorts, BatchService, type BatchStepRun } from './batch-service.ts';
import { batchInputsSchema } from './contract.ts';

const ada: Actor = { kind: 'user', id: 'ada' };

/** Batches over real tables and blobs; steps, and what they read of logs, are the test's. */
async function openBatches(t: TestContext, open: OpenDatabase) {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-batches-'));
  t.after(() => rm(directory, { recursive: true }));
  const db = await open(t, [...journalMigrations, ...servingMigrations]);
  const blobs = await openDirectoryBlobs(join(directory, 'blobs'));
  const journal = new Journal(db);
  const steps = new Map<string, BatchStepRun>();
  const windows = new Map<string, Awaited<ReturnType<typeof put>>>();
  const put = async (text: string) => (await blobs.put(text)).digest;
  const ports = {
    stepRun: async (id: string) => steps.get(id),
    windowsOf: async (ids: readonly string[]) => new Map([...windows].filter(([id]) => ids.includes(id))),
    start: async () => 'resumed',
    holdRunning: async () => true,
    noteProgress: async () => undefined,
    remove: async (_: unknown, id: string) => {
      steps.delete(id);
    },
    deleteUnused: (digests: Parameters<BatchPorts['deleteUnused']>[0]) =>
      deleteUnused({ db, blobs }, digests, Number.POSITIVE_INFINITY),
  } as unknown as BatchPorts;
  const step = (id: string, status: BatchStepRun['status'], more: Partial<BatchStepRun> = {}) =>
    steps.set(id, {
      id,
      kind: 'batch-predict',
      status,
      inputs: batchInputsSchema.parse({
        model: 'm',
        modelVersion: '7',
        packageDigest: digestOf('package'),
        endpoint: null,
        routeVersion: 0,
        entityFeature: null,
        eventTimeFeature: null,
        source: { kind: 'log', name: 'log of e', digests: [], window: { fromMs: 0, toMs: 1, endpoint: 'e' } },
        format: 'parquet',
        keep: null,
        log: false,
        requestedAtMs: 1000,
      }),
      outputs: null,
      error: null,
      attempts: 1,
      createdAt: '',
      startedAt: null,
      finishedAt: null,
      ...more,
    });
  const service = new BatchService({ db, journal, blobs, ports });
  /** Has a running step keep a part, and end. */
  const keep = async (id: string, digest: Awaited<ReturnType<typeof put>>) => {
    step(id, 'running');
    await service.keepPart(ada, id, { part: 0, digest, rows: 1, failedRows: 0, totalRows: 2, log: null });
  };
  return { service, blobs, journal, db, put, step, steps, windows, keep };
}

forEachDatabase((name, open) => {
  test(`a batch that has ended is deleted with the files that nothing else uses (${name})`, async (t) => {
    const { service, blobs, journal, put, step, windows, keep } = await openBatches(t, open);
    const [own, shared, output] = [await put('own'), await put('shared'), await put('output')];
    windows.set('first', await put('window'));
    await keep('first', own);
    await keep('other', shared);
    await assert.rejects(service.delete(ada, 'first', 'not needed'), {
      code: 'batch_under_way',
      message: /batch prediction first is running/,
    });
    // Its output has the same bytes as a part of another batch.
    step('first', 'succeeded', { outputs: { digest: shared, sizeBytes: 6, rows: 1, failedRows: 0 } });
    assert.deepEqual(await service.delete(ada, 'first', 'not needed'), { id: 'first', files: 2 });
    const left = [own, shared, output].map(async (digest) => (await blobs.info(digest)) !== undefined);
    assert.deepEqual(await Promise.all(left), [false, true, true]);
    assert.deepEqual(await service.parts(ada, 'first'), []);
    await assert.rejects(service.get(ada, 'first'), { code: 'not_found' });
    const [entry] = await journal.auditEntries({ limit: 1 });
    assert.deepEqual([entry?.action, entry?.reason], ['batch-prediction:delete', 'not needed']);
  });

  test(`a CSV file as it was read is kept for the next attempt, and goes with the last batch that needs it (${name})`, async (t) => {
    const { service, blobs, put, step } = await openBatches(t, open);
    const staged = { digest: await put('staged'), decimal: 'comma' } as const;
    step('a', 'running');
    step('b', 'running');
    for (const id of ['a', 'b', 'a']) await service.keepStaged(ada, id, staged);
    const stranger: Actor = { kind: 'job', id: 'b' };
    await assert.rejects(service.keepStaged(stranger, 'a', staged), { code: 'forbidden' });
    assert.deepEqual(await service.staged(ada, 'a'), staged);
    await service.dropStaged(ada, 'a');
    assert.equal(await service.staged(ada, 'a'), null);
    assert.ok(await blobs.info(staged.digest));
    step('b', 'cancelled');
    assert.deepEqual(await service.delete(ada, 'b', 'not needed'), { id: 'b', files: 1 });
    assert.equal(await blobs.info(staged.digest), undefined);
  });

  test(`a batch whose rows of the log were erased says so, and is not gone on with (${name})`, async (t) => {
    const { service, blobs, put, step, windows, keep } = await openBatches(t, open);
    const window = await put('window');
    windows.set('b', window);
    const output = await put('output');
    await keep('b', await put('part'));
    await blobs.delete(window);
    step('b', 'cancelled');
    await assert.rejects(service.resume(ada, 'b', 'go on'), { code: 'batch_rows_gone' });
    step('b', 'succeeded', { outputs: { digest: output, sizeBytes: 6, rows: 1, failedRows: 0 } });
    assert.equal((await service.output(ada, 'b')).digest, output);
    await blobs.delete(output);
    await assert.rejects(service.output(ada, 'b'), { code: 'batch_output_gone' });
  });
});

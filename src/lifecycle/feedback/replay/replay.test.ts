import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { storePackage } from '../../../../test/support/serving.ts';
import { MillraceError } from '../../../core/errors.ts';
import { createRng } from '../../../core/rng.ts';
import { forEachDatabase } from '../../../platform/db/testing.ts';
import { sqlLiteral } from '../../../platform/frames/index.ts';
import { logisticOnnx, logisticPackage } from '../../../platform/onnx/testing.ts';
import { requireFeatures, runBatchStep } from '../../serving/index.ts';
import { replayInputsSchema, replayOutputsSchema } from '../contract.ts';
import { ada, openFeedbackService } from '../testing.ts';
import { type ReplayPorts, ReplayService, type ReplayStepRun } from './replay-service.ts';
import { replayStep } from './replay-step.ts';

const noPython = async () => null;

/** As workers have it, with its parts kept by nobody. */
const step = replayStep((inputs, context) => {
  const parts = {
    done: async () => ({ items: [], staged: null }),
    keep: async () => undefined,
    stage: async () => undefined,
    window: () => Promise.reject(new Error('its inputs name what is read')),
    logPolicy: () => Promise.reject(new Error('rows of a replay are not logged')),
  };
  return runBatchStep(inputs, context, noPython, parts);
});

const start = Date.UTC(2001, 1, 1);

forEachDatabase((name, open) => {
  test(`on ${name}: what was logged is predicted by another version, and both are judged`, async (t) => {
    const { service, send, frames, blobs } = await openFeedbackService(t, open);
    const rng = createRng(3);
    const rows = Array.from({ length: 400 }, (_, i) => ({
      id: `p${i}`,
      eventTimeMs: start + i,
      score: rng.next(),
      features: { x1: rng.next() * 4 - 2, x2: rng.next() * 4 - 2 },
    }));
    await send([...rows, { id: 'failed', eventTimeMs: start, status: 'invalid_input', score: null }]);
    // The truth is what the new version says: it must come out as the better one.
    const pkg = { ...logisticPackage(), sample: [{ x1: 0, x2: 0 }] };
    const packageDigest = await storePackage(blobs, logisticOnnx(1), pkg);
    const window = { endpoint: 'flights', fromMs: start, toMs: start + 400 };
    assert.equal((await service.windows.write(window)).rows, 400);
    const run = async () => {
      const { digest: windowDigest } = await service.windows.write(window);
      const inputs = replayInputsSchema.parse({
        endpoint: 'flights',
        from: '2001-02-01T00:00:00Z',
        to: '2001-02-02T00:00:00Z',
        model: 'delay-model',
        modelVersion: '2',
        packageDigest,
        windowDigest,
        rows: 400,
      });
      const workDir = await mkdtemp(join(tmpdir(), 'millrace-replay-'));
      t.after(() => rm(workDir, { recursive: true, force: true }));
      const context = { stepRunId: 'r', attempt: 1, subject: 'm/2', token: '', controlUrl: '' };
      const signal = new AbortController().signal;
      const log = () => undefined;
      return replayOutputsSchema.parse(
        await step.run(inputs, { ...context, signal, workDir, blobs, frames, log }),
      );
    };
    const blind = await run();
    assert.deepEqual([blind.rows, blind.failedRows, blind.compared, blind.labelled], [400, 0, 400, 0]);
    assert.equal(blind.replayed.auc, null);
    const file = await blobs.path(blind.digest);
    const replayed = await frames.query(
      `SELECT logged_prediction_id AS id, logged_score, score FROM read_parquet(${sqlLiteral(file)})`,
    );
    const distance = replayed.map((r) => Math.abs((r.logged_score as number) - (r.score as number)));
    assert.ok(Math.abs((blind.difference?.max ?? 0) - Math.max(...distance)) < 1e-12);
    const crossed = replayed.filter((r) => (r.logged_score as number) >= 0.5 !== (r.score as number) >= 0.5);
    assert.equal(blind.changedDecisions, crossed.length);
    assert.ok(crossed.length > 50);

    const labels = replayed.map((r) => ({
      predictionId: r.id as string,
      value: (r.score as number) >= 0.5,
      eventTime: start + 1000,
    }));
    await service.postLabels(ada, { endpoint: 'flights', labels });
    const judged = await run();
    assert.equal(judged.labelled, 400);
    assert.deepEqual([judged.replayed.auc, judged.replayed.accuracy], [1, 1]);
    assert.ok(Math.abs((judged.logged.auc ?? 0) - 0.5) < 0.12, `${judged.logged.auc}`);
    assert.ok((judged.logged.logLoss ?? 0) > (judged.replayed.logLoss ?? 9));
    await assert.rejects(service.windows.write({ ...window, fromMs: 1, toMs: 2 }), {
      code: 'replay_empty',
    });
  });

  test(`on ${name}: a window that does not say what was asked is refused, and told where nothing is answered`, async (t) => {
    const { service, send, frames, blobs } = await openFeedbackService(t, open);
    const pkg = { ...logisticPackage(), sample: [{ x1: 0, x2: 0 }] };
    const packageDigest = await storePackage(blobs, logisticOnnx(1), pkg);
    const hash = `h:${'a'.repeat(22)}`;
    const at = (ms: number, x1: string | number | null, x2: string | number | null) => ({
      id: `r${ms}`,
      eventTimeMs: start + ms,
      features: { x1, x2 },
    });
    await send([at(0, 1, null), at(1, null, null)]);
    await send([at(2, 'one', 'h:short'), at(3, 'two', hash)]);
    const windowOf = async (fromMs: number, toMs: number) =>
      service.windows.write({ endpoint: 'flights', fromMs: start + fromMs, toMs: start + toMs });
    const problemOf = async (fromMs: number, toMs: number, redacted: string[]) => {
      const { features } = await windowOf(fromMs, toMs);
      return requireFeatures(blobs, packageDigest, 'flights', { ...features, redacted }).then(
        () => null,
        (error: unknown) => (error instanceof MillraceError ? error.params.problem : error),
      );
    };
    assert.equal(await problemOf(0, 2, []), null, 'callers may leave values out');
    assert.equal(await problemOf(0, 2, ['x1', 'x2']), '"x2" is redacted');
    assert.equal(await problemOf(2, 3, []), null);
    assert.equal(await problemOf(2, 4, []), '"x2" is hashed');

    const { digest: windowDigest, rows } = await windowOf(2, 4);
    const inputs = replayInputsSchema.parse({
      endpoint: 'flights',
      from: '2001-02-01T00:00:00Z',
      to: '2001-02-02T00:00:00Z',
      rows,
      model: 'delay-model',
      modelVersion: '2',
      packageDigest,
      windowDigest,
    });
    const workDir = await mkdtemp(join(tmpdir(), 'millrace-replay-'));
    t.after(() => rm(workDir, { recursive: true, force: true }));
    const context = { stepRunId: 'r', attempt: 1, subject: 'm/2', token: '', controlUrl: '' };
    const signal = new AbortController().signal;
    await assert.rejects(
      step.run(inputs, { ...context, signal, workDir, blobs, frames, log: () => undefined }),
      { code: 'replay_unanswered', message: /none of the 2 rows; of the first it said: .*x1/ },
    );
  });

  test(`on ${name}: the window of a step is written once, behind a short answer`, async (t) => {
    const { service, send, frames, blobs } = await openFeedbackService(t, open);
    const row = (id: string) => ({ id, entity: id, eventTimeMs: start, features: { x1: 1 } });
    await send([row('ada'), row('bob')]);
    const { windows } = service;
    const span = { endpoint: 'flights', fromMs: start, toMs: start + 1 };
    await assert.rejects(
      windows.requireLogged({ ...span, fromMs: 1, toMs: 2 }, async () => undefined),
      { code: 'replay_empty' },
    );
    let checks = 0;
    const go = Promise.withResolvers<void>();
    const around = {
      sealed: () => go.promise,
      check: async () => {
        if (checks++ === 0) throw new MillraceError('logged_features_unusable', {});
      },
    };
    const asked = [windows.of('r', span, around), windows.of('r', span, around)];
    go.resolve();
    const refused = (await Promise.allSettled(asked)).map(({ status }) => status);
    assert.deepEqual([refused, checks], [['rejected', 'rejected'], 1]);
    const window = await windows.of('r', span, around);
    assert.equal(window?.rows, 2);
    await send([row('eve')]);
    assert.deepEqual(await windows.of('r', span, around), window, 'all attempts read the same rows');
    // While another one is written somebody has to be forgotten.
    const wait = Promise.withResolvers<void>();
    const abandon = windows.abandon.bind(windows);
    t.mock.method(windows, 'abandon', (id?: string) => {
      const ended = abandon(id);
      wait.resolve();
      return ended;
    });
    const under = windows.of('s', span, { ...around, check: () => wait.promise });
    const erased = (async () => {
      const sums: Record<string, number> = {};
      for (const hook of service.eraseHooks({ digests: async () => [] }))
        Object.assign(sums, await hook.erase(ada, { entity: 'ada', endpoint: null, reason: 'asked for it' }));
      return sums;
    })();
    assert.deepEqual(await erased, { predictions: 1, labels: 0, waitingLabels: 0, files: 1 });
    assert.equal(await under, null, 'to be asked for again');
    await assert.rejects(windows.of('r', span, around), { code: 'batch_rows_gone' });
    const anew = await windows.of('s', span, around);
    const file = await blobs.path(anew?.digest ?? window!.digest);
    const left = await frames.query(
      `SELECT logged_entity AS e FROM read_parquet(${sqlLiteral(file)}) ORDER BY 1`,
    );
    assert.deepEqual(
      left.map(({ e }) => e),
      ['bob', 'eve'],
    );
  });

  test(`on ${name}: a replay whose file is erased shows no rows of it any more`, async (t) => {
    const { service: feedback, options, journal } = await openFeedbackService(t, open);
    const file = `sha256:${'c'.repeat(64)}` as const;
    const metrics = { logLoss: null, brier: null, accuracy: null, auc: null };
    const example = { predictionId: 'p', loggedVersion: '1', loggedScore: 0, replayedScore: 1, label: null };
    const outputs = (digest: string) => ({
      ...{ rows: 1, failedRows: 0, compared: 1, difference: null, changedDecisions: 1, labelled: 0 },
      ...{ logged: metrics, replayed: metrics, examples: [example], digest, sizeBytes: 1 },
    });
    const run = (id: string, status: 'succeeded' | 'failed', digest: string) => ({
      ...{ id, status, kind: 'replay', error: null, createdAt: '', finishedAt: null, inputs: {} },
      outputs: status === 'succeeded' ? outputs(digest) : null,
    });
    const put = new Map<string, unknown>();
    const replays = new ReplayService({
      db: options.db,
      journal,
      feedback,
      ports: {
        stepRuns: async () => [
          run('own', 'succeeded', file),
          run('other', 'succeeded', `sha256:${'d'.repeat(64)}`),
          run('broken', 'failed', file),
        ],
        putOutputs: async (_: unknown, id: string, to: unknown) => {
          put.set(id, to);
        },
      } as unknown as ReplayPorts,
    });
    await replays.forgetExamples(file);
    assert.deepEqual([...put], [['own', { ...outputs(file), examples: [] }]]);
  });

  test(`on ${name}: replays of one endpoint are listed in pages, however many others lie between`, async (t) => {
    const { service: feedback, journal, options } = await openFeedbackService(t, open);
    const run = (i: number): ReplayStepRun => ({
      id: String(1000 - i),
      kind: 'replay',
      status: 'queued' as const,
      outputs: null,
      error: null,
      createdAt: new Date(start).toISOString(),
      finishedAt: null,
      inputs: replayInputsSchema.parse({
        endpoint: i % 150 === 0 ? 'flights' : 'other',
        rows: 1,
        model: 'm',
        modelVersion: '2',
        from: '2001-02-01T00:00:00Z',
        to: '2001-02-02T00:00:00Z',
        packageDigest: `sha256:${'a'.repeat(64)}`,
        windowDigest: `sha256:${'b'.repeat(64)}`,
      }),
    });
    const runs = Array.from({ length: 700 }, (_, i) => run(i));
    const unused = () => Promise.reject(new Error('a list needs it not'));
    const replays = new ReplayService({
      db: options.db,
      journal,
      feedback,
      ports: {
        start: unused,
        cancel: unused,
        remove: unused,
        putOutputs: unused,
        deleteUnused: unused,
        parts: unused,
        modelOf: unused,
        packageOf: unused,
        sealed: unused,
        stepRun: unused,
        stepRuns: async ({ limit, afterId }) =>
          runs.filter(({ id }) => afterId === undefined || Number(id) < Number(afterId)).slice(0, limit),
        progress: async () => new Map(),
      },
    });
    const ids = async (limit: number, afterId?: string, endpoint?: string) =>
      (await replays.list(ada, { limit, afterId }, endpoint)).map(({ id }) => id);
    assert.deepEqual(await ids(2), ['1000', '999']);
    assert.deepEqual(await ids(3, undefined, 'flights'), ['1000', '850', '700']);
    assert.deepEqual(await ids(3, '850', 'flights'), ['700', '550', '400']);
    assert.deepEqual(await ids(3, '550', 'flights'), ['400']);
    assert.deepEqual(await ids(3, undefined, 'nothing'), []);
  });
});

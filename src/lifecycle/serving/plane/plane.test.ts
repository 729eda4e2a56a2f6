import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { testRoute, unshippedRows } from '../../../../test/support/serving.ts';
import { type Digest, digestOf } from '../../../core/json.ts';
import { packageManifestSchema } from '../../../core/model-package.ts';
import { createLogger } from '../../../platform/log/index.ts';
import { Registry } from '../../../platform/metrics/index.ts';
import type { OutputTensor } from '../../../platform/onnx/index.ts';
import type { LoadedModel } from '../../../platform/runtimes/index.ts';
import { localFrames } from '../../../platform/segments/testing.ts';
import { LoadedPackage } from './loaded-package.ts';
import { Plane } from './plane.ts';
import { planeMetrics } from './plane-metrics.ts';
import { PredictionLogs } from './prediction-logs.ts';
import type { PredictRequest } from './request.ts';

/** Answers each row with 1, at once or in pieces; what comes after its end is an error. */
function words(): LoadedModel {
  let closed = false;
  const outputs = (rows: number): OutputTensor[] => [
    { name: 'y', type: 'double', shape: [rows, 1], width: 1, data: new Array(rows).fill(1) },
  ];
  return {
    predictRows: async (rows) => {
      if (closed) throw new Error('it is closed');
      return { rowCount: rows.length, outputs: outputs(rows.length), score: null };
    },
    async *predictStream() {
      for (let i = 0; i < 2; i++) {
        await new Promise((resolve) => setImmediate(resolve));
        yield { value: 1, outputs: outputs(1), score: null };
      }
    },
    close: async () => {
      closed = true;
    },
  };
}

async function setUp(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-plane-'));
  const logs = await PredictionLogs.open({
    directory: join(directory, 'log'),
    frames: await localFrames(),
    logger: createLogger('test', 'silent'),
    ship: async () => {},
    limits: { maxRows: 1000, maxSizeBytes: 1_000_000, maxAgeMs: 60_000 },
  });
  t.after(async () => {
    await logs.close();
    await rm(directory, { recursive: true });
  });
  const packages = new Map<Digest, LoadedPackage>();
  const load = async (name: string) => {
    const manifest = packageManifestSchema.parse({
      formatVersion: 1,
      model: name,
      onnx: digestOf(`graph of ${name}`),
      signature: { inputs: [{ name: 'x', type: 'double' }], outputs: [{ name: 'y', type: 'double' }] },
      graph: { inputs: [{ name: 'x', type: 'double', shape: [-1], columns: ['x'] }], outputs: [] },
      score: null,
      classes: null,
      contract: null,
      sample: [],
    });
    const digest = digestOf(name);
    packages.set(
      digest,
      await LoadedPackage.warm(digest, manifest, null, { model: words(), placement: null }),
    );
    return digest;
  };
  const plane = new Plane(logs, planeMetrics(new Registry('test')));
  const packageOf = (digest: Digest) => packages.get(digest)!;
  const ask = (rows: number, more: Partial<PredictRequest> = {}): PredictRequest => ({
    endpoint: 'test',
    version: null,
    rowCount: rows,
    extras: 'refuse',
    predictionIds: null,
    entities: null,
    eventTimesMs: null,
    tensors: [{ name: 'x', width: 1, data: Array.from({ length: rows }, (_, i) => i) }],
    receivedAtMs: Date.UTC(2026, 0, 1),
    startedMs: performance.now(),
    ...more,
  });
  return { plane, packageOf, load, ask, rows: () => unshippedRows(directory, 'test') };
}

const never = new AbortController().signal;

test('an answer in pieces whose deadline is further off than a timer can wait comes whole', async (t) => {
  const { plane, packageOf, load, ask } = await setUp(t);
  await plane.swap(testRoute(await load('champion')), packageOf);
  const stream = await plane.streams.open(ask(1, { timeoutMs: 365 * 86_400_000 }));
  assert.equal((await Array.fromAsync(stream(never))).length, 2);
});

test('a shadow that was ended while an answer was given is asked no more', async (t) => {
  const { plane, packageOf, load, ask, rows } = await setUp(t);
  const champion = await load('champion');
  const shadow = { modelVersion: '2', packageDigest: await load('shadow') };
  await plane.swap(testRoute(champion, { shadow }), packageOf);
  const stream = await plane.streams.open(ask(1));
  const pieces = stream(never)[Symbol.asyncIterator]();
  await pieces.next();
  await plane.swap(testRoute(champion, { routeVersion: 2 }), packageOf);
  await packageOf(shadow.packageDigest).retire();
  while (!(await pieces.next()).done);
  await plane.shadowsDrained();
  const logged = await rows();
  assert.deepEqual(
    logged.map(({ arm, status }) => [arm, status]),
    [['champion', 'ok']],
  );
});

test('each row of a request that is refused before it has a plan is logged with its own entity and time', async (t) => {
  const { plane, load, packageOf, ask, rows } = await setUp(t);
  await plane.swap(testRoute(await load('champion')), packageOf);
  const times = [Date.UTC(2026, 0, 2), null, Date.UTC(2026, 0, 4)];
  const request = ask(3, {
    predictionIds: ['a', 'b', 'c'],
    entities: ['x', null, 'z'],
    eventTimesMs: times,
    version: '9',
  });
  await assert.rejects(plane.predict(request), { code: 'model_version_unknown' });
  const logged = await rows();
  assert.deepEqual(
    logged.map((row) => [row.prediction_id, row.entity ?? null, row.event_time_ms]),
    [
      ['a', 'x', times[0]],
      ['b', null, request.receivedAtMs],
      ['c', 'z', times[2]],
    ],
  );
});

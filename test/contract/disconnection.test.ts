import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openReplica, type ReplicaOptions } from '../../src/lifecycle/serving/index.ts';
import { createLogger } from '../../src/platform/log/index.ts';
import { Registry } from '../../src/platform/metrics/index.ts';
import { logisticOnnx, logisticPackage } from '../../src/platform/onnx/testing.ts';
import { localFrames } from '../../src/platform/segments/testing.ts';
import { InferenceServer } from '../../src/surfaces/inference/index.ts';
import { startTestControl, storePackage } from '../support/serving.ts';

const actor = { kind: 'user', id: 'ada' } as const;
const hourMs = 3_600_000;
const midnightMs = Date.UTC(2026, 0, 1);
const rowsPerSegment = 20;
const callsPerHour = 6;

/** Five rows that happened at one time, `<id>-0` to `<id>-4`. */
function request(id: string, atMs: number): string {
  const tensor = (name: string) => ({ name, datatype: 'FP64', shape: [5, 1], data: [1, 2, 3, 4, 5] });
  const parameters = { event_time: atMs };
  return JSON.stringify({ id, parameters, inputs: [tensor('x1'), tensor('x2')] });
}

async function setUp(t: TestContext, log: NonNullable<ReplicaOptions['log']> = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-away-'));
  const stops: (() => Promise<unknown>)[] = [() => rm(directory, { recursive: true, force: true })];
  t.after(async () => {
    for (const stop of stops.reverse()) await stop();
  });
  const control = await startTestControl(directory);
  stops.push(control.stop);
  const { service } = control;
  await service.declare(actor, { name: 'delay', model: 'delay-model' });
  const packageDigest = await storePackage(control.blobs, logisticOnnx(), logisticPackage());
  await service.deploy(actor, 'delay', { modelVersion: '1', packageDigest }, 'test');

  const serve = async () => {
    const [logger, metrics] = [createLogger('serve', 'silent'), new Registry('serve')];
    const replica = await openReplica({
      id: 'edge',
      directory: join(directory, 'serve'),
      controlUrl: control.url,
      frames: await localFrames(),
      logger,
      metrics,
      segmentLimits: { maxRows: rowsPerSegment, maxSizeBytes: 1e9, maxAgeMs: 60_000 },
      log,
    });
    await replica.restored;
    const server = new InferenceServer({ replica, metrics, logger, version: '0.0.0' });
    const port = await server.listen('127.0.0.1', 0, '--serve-port');
    replica.announce(`http://127.0.0.1:${port}`);
    const stop = async () => {
      await server.close();
      await replica.close();
    };
    stops.push(stop);
    const predict = async (id: string, atMs: number) => {
      const url = `http://127.0.0.1:${port}/v2/models/delay/infer`;
      const response = await fetch(url, { method: 'POST', body: request(id, atMs) });
      await response.arrayBuffer();
      return response;
    };
    const stopNow = () => {
      stops.splice(stops.indexOf(stop), 1);
      return stop();
    };
    return { predict, stop: stopNow, replica };
  };
  const waiting = async () => (await readdir(join(directory, 'serve/log/delay'))).length;
  const comeBack = async () => {
    const again = await startTestControl(directory, Number(new URL(control.url).port));
    stops.splice(2, 0, again.stop);
    return again;
  };
  return { control, serve, waiting, comeBack };
}

const until = async (holds: () => boolean | Promise<boolean>) => {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 10));
};

test('after a day without control, with a restart at noon, everything of the day arrives once', async (t) => {
  const { control, serve, waiting, comeBack } = await setUp(t);
  let edge = await serve();
  await until(() => edge.replica.plane.endpoints.length > 0);
  await control.stop();
  const ids: string[] = [];
  for (let hour = 0; hour < 24; hour++) {
    if (hour === 12) {
      await edge.stop();
      edge = await serve();
      assert.equal(edge.replica.ready, true);
    }
    for (let call = 0; call < callsPerHour; call++) {
      const id = `${hour}h${call}`;
      const atMs = midnightMs + hour * hourMs + (call * hourMs) / callsPerHour;
      assert.equal((await edge.predict(id, atMs)).status, 200);
      ids.push(...[0, 1, 2, 3, 4].map((row) => `${id}-${row}`));
    }
  }
  assert.ok((await waiting()) >= ids.length / rowsPerSegment, `${await waiting()} files wait`);

  const back = await comeBack();
  await until(() => back.service.replicas(actor).some((replica) => replica.connected));
  await back.service.sealPredictions(300_000);
  const rows = await back.rows('delay');
  assert.deepEqual(rows.map((row) => row.prediction_id).sort(), ids.sort());
  assert.ok([...back.segments.values()].every((segment) => segment.times === 1));
  const times = rows.map((row) => Number(row.event_time_ms));
  assert.deepEqual(
    [Math.min(...times), Math.max(...times)],
    [midnightMs, midnightMs + 24 * hourMs - hourMs / callsPerHour],
  );
  await until(async () => (await waiting()) === 0);
});

test('who is stopped while control is there leaves nothing behind on its disk', async (t) => {
  const { control, serve, waiting } = await setUp(t);
  const edge = await serve();
  await until(() => edge.replica.plane.endpoints.length > 0);
  await until(() => control.service.replicas(actor).some((replica) => replica.connected));
  for (let call = 0; call < 3; call++)
    assert.equal((await edge.predict(`last${call}`, midnightMs)).status, 200);
  await edge.stop();
  assert.equal((await control.rows('delay')).length, 15);
  assert.equal(await waiting(), 0);
  const [gone] = control.service.replicas(actor);
  assert.deepEqual([gone?.connected, gone?.segmentsWaiting], [false, 0]);
});

test('a disk that is full of what waits refuses rows and loses none; when control is back it answers again', async (t) => {
  const { control, serve, comeBack } = await setUp(t, { maxDiskBytes: 30_000 });
  const edge = await serve();
  await until(() => edge.replica.plane.endpoints.length > 0);
  await control.stop();
  const ids: string[] = [];
  let refused: Response | null = null;
  for (let call = 0; refused === null; call++) {
    const response = await edge.predict(`c${call}`, midnightMs + call * hourMs);
    if (response.status === 200) ids.push(...[0, 1, 2, 3, 4].map((row) => `c${call}-${row}`));
    else refused = response;
  }
  assert.deepEqual([refused.status, refused.headers.get('retry-after')], [503, '1']);
  assert.ok(ids.length > rowsPerSegment, `${ids.length} rows fitted`);

  const back = await comeBack();
  await until(() => back.service.replicas(actor).some((replica) => replica.connected));
  await until(async () => (await edge.predict('after', midnightMs)).status === 200);
  await back.service.sealPredictions(300_000);
  const arrived = (await back.rows('delay')).map((row) => String(row.prediction_id));
  assert.deepEqual(arrived.filter((id) => id.startsWith('c')).sort(), ids.sort());
});

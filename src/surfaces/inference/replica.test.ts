import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import {
  startTestControl,
  startTestServing,
  storePackage,
  tableOf,
  testRoute,
} from '../../../test/support/serving.ts';
import { canonicalJson } from '../../core/json.ts';
import { identityOnnx, identityPackage, logisticOnnx, logisticPackage } from '../../platform/onnx/testing.ts';
import { describeRemote } from '../../platform/runtimes/index.ts';

const actor = { kind: 'user', id: 'ada' } as const;
const path = '/v2/models/delay/infer';
const body = (x1: number, entity?: string) => ({
  inputs: [x1, 0].map((x, i) => ({ name: `x${i + 1}`, datatype: 'FP64', shape: [1, 1], data: [x] })),
  ...(entity ? { parameters: { entity } } : {}),
});

async function setUp(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-replica-'));
  const control = await startTestControl(directory);
  const stops = [() => rm(directory, { recursive: true, force: true }), control.stop];
  t.after(async () => {
    for (const stop of stops.reverse()) await stop();
  });
  const serve = async ({ isEarly = false } = {}) => {
    const serving = await startTestServing(t, {
      controlUrl: control.url,
      directory: join(directory, 'serve'),
      isEarly,
    });
    stops.push(serving.stop);
    return serving;
  };
  const target = async (version: number, bias = 0) => ({
    modelVersion: String(version),
    packageDigest: await storePackage(control.blobs, logisticOnnx(version, -1, bias), {
      ...logisticPackage(),
      sample: [{ x1: 1, x2: 1 }],
    }),
  });
  const { service } = control;
  await service.declare(actor, { name: 'delay', model: 'delay-model' });
  const deploy = async (version: number) => {
    const { routeVersion } = await service.deploy(actor, 'delay', await target(version), 'test');
    await service.settled('delay', routeVersion, { timeoutMs: 60_000 });
  };
  return { directory, control, service, target, deploy, serve, stops };
}

test('routes and packages reach the replica, predictions reach control, each row once', async (t) => {
  const { control, service, deploy, serve } = await setUp(t);
  const serving = await serve();
  assert.equal((await serving.post(path, body(1))).status, 404);
  await deploy(1);
  const first = await serving.post(path, body(1, 'UA1'));
  assert.equal(first.json.model_version, '1');
  await deploy(2);
  assert.equal((await serving.post(path, body(1, 'UA1'))).json.model_version, '2');
  await serving.post(path, body(Number.NaN, 'UA1'));

  await service.sealPredictions(60_000);
  const rows = await control.rows('delay');
  assert.deepEqual(
    rows.map((r) => [r.prediction_id === first.json.id, r.model_version, r.status, r['feature:x1']]).sort(),
    [
      [false, '2', 'input_invalid', null],
      [false, '2', 'ok', 1],
      [true, '1', 'ok', 1],
    ],
  );
  const [replica] = service.replicas(actor);
  assert.equal(replica!.segmentsWaiting, 0);
  assert.deepEqual(
    replica!.models.map((m) => m.state),
    ['ready'],
  );
});

test('no request fails while the model changes again and again under load', async (t) => {
  const { control, service, deploy, serve } = await setUp(t);
  const { post } = await serve();
  await deploy(1);
  const statuses = new Map<number, number>();
  const versions = new Set<unknown>();
  let ids = 0;
  let changing = true;
  const caller = async () => {
    while (changing) {
      const { status, json } = await post(path, { ...body(1, `e${ids}`), id: `p${ids++}` });
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      versions.add(json.model_version);
    }
  };
  const callers = Promise.all(Array.from({ length: 8 }, caller));
  for (let version = 2; version <= 12; version++) await deploy(version);
  changing = false;
  await callers;
  assert.deepEqual([...statuses.keys()], [200]);
  assert.ok(versions.size > 3, `${versions.size} versions answered`);
  await service.sealPredictions(60_000);
  const rows = await control.rows('delay');
  assert.equal(new Set(rows.map((r) => r.prediction_id)).size, ids);
  assert.equal(rows.length, ids);
});

test('a canary gets its share of the entities, always the same ones, and widening keeps them', async (t) => {
  const { control, service, deploy, target, serve } = await setUp(t);
  const { post } = await serve();
  await deploy(1);
  const challenger = await target(2);
  const armsAt = async (weight: number) => {
    const { routeVersion } = await service.challenge(actor, 'delay', challenger, weight, 'canary');
    await service.settled('delay', routeVersion, { timeoutMs: 60_000 });
    const chosen = new Set<number>();
    for (let entity = 0; entity < 300; entity++) {
      const { json } = await post(path, body(1, `flight ${entity}`));
      if (json.model_version === '2') chosen.add(entity);
    }
    return chosen;
  };
  const tenth = await armsAt(0.1);
  const half = await armsAt(0.5);
  assert.ok(tenth.size > 12 && tenth.size < 55, `${tenth.size} of 300 at 10 %`);
  assert.ok(half.size > 115 && half.size < 185, `${half.size} of 300 at 50 %`);
  for (const entity of tenth) assert.ok(half.has(entity));

  await service.sealPredictions(60_000);
  const rows = await control.rows('delay');
  const share = (weight: number) =>
    rows.filter((r) => r.arm === 'challenger' && r.propensity === weight).length;
  assert.deepEqual([share(0.1), share(0.5)], [tenth.size, half.size]);
  assert.ok(rows.every((r) => r.sticky === true));
});

test('models of an endpoint that take their inputs in another order are logged in the right columns', async (t) => {
  const { control, service, deploy, serve } = await setUp(t);
  const { post } = await serve();
  await deploy(1);
  const pkg = logisticPackage();
  const { inputs, outputs } = pkg.signature;
  const extra = { name: 'note', type: 'string' as const, required: false, shape: [] };
  const packageDigest = await storePackage(control.blobs, logisticOnnx(5), {
    ...pkg,
    signature: { inputs: [extra, ...inputs.toReversed()], outputs },
  });
  const challenger = { modelVersion: '2', packageDigest };
  const { routeVersion } = await service.challenge(actor, 'delay', challenger, 0.5, 'test');
  await service.settled('delay', routeVersion, { timeoutMs: 60_000 });
  for (let i = 0; i < 30; i++) await post(path, body(0.75, `flight ${i}`));
  await service.sealPredictions(60_000);
  const rows = await control.rows('delay');
  assert.deepEqual(new Set(rows.map((r) => r.arm)), new Set(['champion', 'challenger']));
  for (const row of rows) {
    assert.deepEqual([row['feature:x1'], row['feature:x2'], row['feature:note']], [0.75, 0, null]);
  }
});

test('a shadow sees copies with the same prediction ids, and callers never hear of it', async (t) => {
  const { control, service, deploy, target, serve } = await setUp(t);
  const { post } = await serve();
  await deploy(1);
  const { routeVersion } = await service.setShadow(actor, 'delay', await target(2), 'compare');
  await service.settled('delay', routeVersion, { timeoutMs: 60_000 });
  for (let i = 0; i < 20; i++) {
    const { json } = await post(path, { ...body(1), id: `p${i}` });
    assert.equal(json.model_version, '1');
  }
  await service.sealPredictions(60_000);
  const rows = await control.rows('delay');
  const of = (arm: string) =>
    new Map(rows.filter((r) => r.arm === arm).map((r) => [r.prediction_id, Number(r.score)]));
  const [champion, shadow] = [of('champion'), of('shadow')];
  assert.deepEqual([...shadow.keys()].sort(), [...champion.keys()].sort());
  assert.equal(shadow.size, 20);
  assert.ok(Math.abs(champion.get('p0')! - 1 / (1 + Math.exp(-1))) < 1e-6);
  assert.ok(Math.abs(shadow.get('p0')! - 1 / (1 + Math.exp(-2))) < 1e-6);
});

test('a model that cannot be loaded leaves the one before in force, and control hears why', async (t) => {
  const { control, service, deploy, target, serve } = await setUp(t);
  const { post } = await serve();
  await deploy(1);
  const good = await target(2);
  const manifest = JSON.parse((await control.blobs.bytes(good.packageDigest)).toString());
  const broken = (await control.blobs.put('not ONNX')).digest;
  const { digest } = await control.blobs.put(JSON.stringify({ ...manifest, onnx: broken }));
  const { routeVersion } = await service.deploy(
    actor,
    'delay',
    { modelVersion: '2', packageDigest: digest },
    'bad',
  );
  await assert.rejects(service.settled('delay', routeVersion, { timeoutMs: 60_000 }), {
    code: 'replicas_behind',
    message: /test: the ONNX model cannot be served/,
  });
  assert.equal((await post(path, body(1))).json.model_version, '1');
  await service.rollback(actor, 'delay', 'bad model', routeVersion - 1);
  await deploy(3);
  assert.equal((await post(path, body(1))).json.model_version, '3');
});

test('without control the replica serves on, also after a restart, and ships its log when control is back', async (t) => {
  const { directory, control, deploy, serve, stops } = await setUp(t);
  const before = await serve();
  await deploy(1);
  const port = Number(new URL(control.url).port);
  await control.stop();
  assert.equal((await before.post(path, { ...body(1), id: 'away' })).status, 200);
  await before.stop();

  const after = await serve();
  assert.equal((await fetch(`${after.url}/v2/models/delay/ready`)).status, 200);
  assert.equal((await after.post(path, { ...body(1), id: 'restarted' })).json.model_version, '1');

  const again = await startTestControl(directory, port);
  stops.splice(1, 0, again.stop);
  while (again.service.replicas(actor).every((r) => !r.connected)) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await again.service.sealPredictions(60_000);
  assert.deepEqual((await again.rows('delay')).map((r) => r.prediction_id).sort(), ['away', 'restarted']);
  assert.ok([...again.segments.values()].every((s) => s.times === 1));
});

test('a monstrous request is logged without its features, and its segment can still be read', async (t) => {
  const { control, service, serve } = await setUp(t);
  const { post } = await serve();
  const packageDigest = await storePackage(control.blobs, identityOnnx(), identityPackage());
  const { routeVersion } = await service.deploy(actor, 'delay', { modelVersion: '1', packageDigest }, 'test');
  await service.settled('delay', routeVersion, { timeoutMs: 60_000 });
  const sized = (length: number, id: string) => ({
    id,
    inputs: [
      { name: 'text', datatype: 'BYTES', shape: [1], data: ['x'.repeat(length)] },
      { name: 'number', datatype: 'INT64', shape: [1], data: [1] },
      { name: 'vector', datatype: 'FP32', shape: [1, 3], data: [1, 2, 3] },
    ],
  });
  for (const [length, id] of [
    [20_000_000, 'big'],
    [10, 'small'],
  ] as const) {
    assert.equal((await post(path, sized(length, id))).status, 200);
  }
  await service.sealPredictions(60_000);
  const rows = await control.rows('delay');
  assert.deepEqual(
    rows.map((r) => [r.prediction_id, r['feature:number'], r['feature:vector']]),
    [
      ['big', null, null],
      ['small', '1', '[1,2,3]'],
    ],
  );
});

test('routes.json that cannot be read is waited out, not died of', async (t) => {
  const { directory, deploy, serve } = await setUp(t);
  const first = await serve();
  await deploy(1);
  await first.stop();
  await writeFile(join(directory, 'serve', 'routes.json'), '{"version":');
  const second = await serve();
  while (!second.replica.ready) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal((await second.post(path, body(1))).status, 200);
});

/** Another server, whose model is ready once the test says so. */
async function farModel(t: TestContext) {
  const far = { held: Promise.resolve(), asked: Promise.withResolvers<void>() };
  const tensor = (name: string) => ({ name, datatype: 'FP32', shape: [-1, 1] });
  const server = createServer(async (request, response) => {
    if (request.url?.endsWith('/ready')) {
      far.asked.resolve();
      await far.held;
    }
    const output = { name: 'y', datatype: 'FP32', shape: [1, 1], data: [7] };
    const metadata = { inputs: [tensor('x')], outputs: [tensor('y')], extensions: [] };
    request.resume().on('end', () => {
      response.end(JSON.stringify(request.method === 'GET' ? metadata : { outputs: [output] }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const options = { kind: 'remote', url, model: 'far', version: null, timeoutMs: 600_000 } as const;
  return { far, manifest: await describeRemote('far', options) };
}

test('a replica answers while the models of its kept routes are loaded: it lives, is not ready, and says which are', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-replica-'));
  const { far, manifest } = await farModel(t);
  const stops: (() => Promise<void>)[] = [];
  t.after(async () => {
    for (const stop of stops) await stop();
    await rm(directory, { recursive: true, force: true });
  });
  const start = async (isEarly: boolean) => {
    const serving = await startTestServing(t, { directory, isEarly });
    stops.push(serving.stop);
    return serving;
  };
  const first = await start(false);
  const quick = testRoute(await storePackage(first.blobs, logisticOnnx(), logisticPackage()), {
    endpoint: 'quick',
  });
  const held = testRoute((await first.blobs.put(canonicalJson(manifest))).digest, { endpoint: 'held' });
  await first.replica.applyRoutes(tableOf(quick, held));
  await first.stop();
  const kept = async () =>
    (
      JSON.parse(await readFile(join(directory, 'routes.json'), 'utf8')) as {
        endpoints: { endpoint: string }[];
      }
    ).endpoints.map((route) => route.endpoint);
  const hold = () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    Object.assign(far, { held: promise, asked: Promise.withResolvers<void>() });
    return resolve;
  };

  // One that is stopped meanwhile waits for no model, and keeps all routes.
  let release = hold();
  const stopped = await start(true);
  await far.asked.promise;
  await stopped.stop();
  release();
  assert.deepEqual(await kept(), ['quick', 'held']);

  release = hold();
  const serving = await start(true);
  const status = async (of: string) => (await fetch(serving.url + of)).status;
  const x = [{ name: 'x', datatype: 'FP32', shape: [1, 1], data: [1] }];
  for (const version of ['', '/versions/1']) {
    const answer = await serving.post(`/v2/models/held${version}/infer`, { inputs: x });
    const { headers } = answer;
    assert.deepEqual(
      [answer.status, headers.get('retry-after'), headers.get('x-millrace-error')],
      [503, '1', 'endpoint_empty'],
    );
    assert.match(String(answer.json.error), /"held" has no model ready/);
  }
  // Which endpoint is meant does not depend on how many are loaded.
  assert.equal((await serving.post('/invocations', { inputs: [[1, 2]] })).status, 400);
  await far.asked.promise;
  assert.deepEqual(
    await Promise.all(
      ['/v2/health/live', '/v2/health/ready', '/v2/models/quick/ready', '/v2/models/held/ready'].map(status),
    ),
    [200, 503, 200, 503],
  );
  assert.equal((await serving.post('/v2/models/quick/infer', body(1))).status, 200);
  release();
  await serving.replica.restored;
  assert.deepEqual(await Promise.all(['/v2/health/ready', '/v2/models/held/ready'].map(status)), [200, 200]);
  assert.equal((await serving.post('/v2/models/held/infer', { inputs: x })).status, 200);
  assert.deepEqual(await kept(), ['quick', 'held']);
});

test('an arm loses its traffic while a model of another endpoint is being loaded, also in a replica that has just come back', async (t) => {
  const { control, service, target, serve } = await setUp(t);
  const { far, manifest } = await farModel(t);
  const slow = {
    modelVersion: '1',
    packageDigest: (await control.blobs.put(canonicalJson(manifest))).digest,
  };
  const begin = async () => {
    const { routeVersion } = await service.challenge(actor, 'delay', await target(2), 0.5, 'try it');
    await service.settled('delay', routeVersion, { timeoutMs: 60_000 });
  };
  const versions = async ({ post }: Awaited<ReturnType<typeof serve>>) => {
    const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => post(path, body(1, `e${i}`))));
    return new Set(answers.map(({ json }) => json.model_version));
  };
  const serving = await serve();
  const { routeVersion } = await service.deploy(actor, 'delay', await target(1), 'first');
  await service.settled('delay', routeVersion, { timeoutMs: 60_000 });
  await begin();
  assert.deepEqual(await versions(serving), new Set(['1', '2']));

  let { promise, resolve: release } = Promise.withResolvers<void>();
  far.held = promise;
  await service.declare(actor, { name: 'a-slow-one', model: 'far' });
  const loading = await service.deploy(actor, 'a-slow-one', slow, 'first');
  await far.asked.promise;
  const back = await service.withdraw(actor, 'delay', 'it does harm');
  await service.settled('delay', back.routeVersion, { timeoutMs: 60_000 });
  assert.deepEqual(await versions(serving), new Set(['1']));
  await begin();
  release();
  await service.settled('a-slow-one', loading.routeVersion, { timeoutMs: 60_000 });
  assert.deepEqual(await versions(serving), new Set(['1', '2']));

  await serving.stop();
  const { routeVersion: without } = await service.withdraw(actor, 'delay', 'it does harm');
  ({ promise, resolve: release } = Promise.withResolvers<void>());
  Object.assign(far, { held: promise, asked: Promise.withResolvers<void>() });
  const again = await serve({ isEarly: true });
  await far.asked.promise;
  await service.settled('delay', without, { timeoutMs: 60_000 });
  assert.deepEqual(await versions(again), new Set(['1']));
  assert.equal(again.replica.ready, false);
  release();
  await again.replica.restored;
  assert.deepEqual(await versions(again), new Set(['1']));
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { startTestServing, storePackage, tableOf, testRoute } from '../../../../test/support/serving.ts';
import { logisticOnnx, logisticPackage } from '../../../platform/onnx/testing.ts';
import type { ReplicaStatus } from '../contract.ts';

test('another route under a version that the replica knows is taken, as a restored control sends it', async (t) => {
  const { blobs, replica, post } = await startTestServing(t);
  const routeTo = async (modelVersion: string) => {
    const packageDigest = await storePackage(blobs, logisticOnnx(Number(modelVersion)), logisticPackage());
    const arms = [{ arm: 'champion', modelVersion, packageDigest, weight: 1 }];
    return testRoute(packageDigest, { arms, routeVersion: 5 });
  };
  const names = logisticPackage().signature.inputs.map(({ name }) => name);
  const inputs = names.map((name) => ({ name, shape: [1, 1], datatype: 'FP64', data: [0.5] }));
  for (const modelVersion of ['2', '3']) {
    await replica.applyRoutes(tableOf(await routeTo(modelVersion)));
    const { json } = await post('/v2/models/test/infer', { inputs });
    assert.equal(json.model_version, modelVersion);
  }
});

test('routes are taken also after a report about earlier ones that control answered late', async (t) => {
  const held: (() => void)[] = [];
  const { promise: announced, resolve: onAnnounced } = Promise.withResolvers<void>();
  let isHolding = false;
  const control = createServer((request, response) => {
    if (request.url?.includes('/stream')) return void response.flushHeaders();
    request.resume();
    if (isHolding) held.push(() => response.end('{}'));
    else response.end('{}', onAnnounced);
  });
  t.after(() => control.close().closeAllConnections());
  control.listen(0, '127.0.0.1');
  await once(control, 'listening');
  const { port } = control.address() as AddressInfo;
  const { blobs, replica } = await startTestServing(t, { controlUrl: `http://127.0.0.1:${port}` });
  const reports = async (count: number) => {
    while (held.length < count) await once(control, 'request');
  };
  const apply = async (routeVersion: number) => {
    const digest = await storePackage(blobs, logisticOnnx(routeVersion), logisticPackage());
    await replica.applyRoutes(tableOf(testRoute(digest, { routeVersion })));
  };
  await announced;
  isHolding = true;
  const first = apply(1);
  await reports(1);
  const second = apply(2);
  await reports(2);
  isHolding = false;
  held[0]?.();
  await first;
  held[1]?.();
  await second;
  await apply(3);
  assert.equal(replica.plane.endpoints[0]?.route.routeVersion, 3);
});

test('a replica tells of no route under a version that control has given to another one, and when it was heard', async (t) => {
  const told: ReplicaStatus[] = [];
  const control = createServer(async (request, response) => {
    if (request.url?.includes('/stream')) return void response.flushHeaders();
    const sent = await text(request);
    if (request.url?.endsWith('/status')) told.push(JSON.parse(sent) as ReplicaStatus);
    response.end('{}');
  });
  t.after(() => control.close().closeAllConnections());
  control.listen(0, '127.0.0.1');
  await once(control, 'listening');
  const { port } = control.address() as AddressInfo;
  const { blobs, replica } = await startTestServing(t, { controlUrl: `http://127.0.0.1:${port}` });
  const digest = await storePackage(blobs, logisticOnnx(1), logisticPackage());
  await replica.applyRoutes(tableOf(testRoute(digest, { routeVersion: 5 })));
  const before = told.at(-1);
  assert.equal(before?.endpoints[0]?.routeVersion, 5);
  const unknown = testRoute(`sha256:${'0'.repeat(64)}`, { routeVersion: 5 });
  await replica.applyRoutes(tableOf(unknown));
  const after = told.at(-1);
  assert.equal(after?.endpoints[0]?.routeVersion, 0);
  assert.equal(after?.heardMs, before?.clockMs);
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  startTestServing,
  storePackage,
  tableOf,
  testRoute,
  unshippedRows,
} from '../../../test/support/serving.ts';
import { defaultEndpointOptions } from '../../lifecycle/serving/index.ts';
import { logisticOnnx, logisticPackage } from '../../platform/onnx/testing.ts';

const bodyOf = (id: string) => ({
  id,
  inputs: ['x1', 'x2'].map((name) => ({ name, datatype: 'FP64', shape: [1, 1], data: [1] })),
});
/** A header that has node:http read the request. */
const read = { plainly: '', 'by node': 'transfer-encoding: chunked\r\n' };

/** Serves a model whose rows wait until there are so many; callers speak over sockets of their own. */
async function serving(t: TestContext, maxRows: number) {
  const { url, replica, blobs, directory, post } = await startTestServing(t);
  const digest = await storePackage(blobs, logisticOnnx(), logisticPackage());
  const batching = { ...defaultEndpointOptions.batching, maxRows, maxDelayUs: 60_000_000 };
  await replica.applyRoutes(tableOf(testRoute(digest, { options: { ...defaultEndpointOptions, batching } })));
  const [endpoint] = replica.plane.endpoints;
  /** Asks, and returns when the row waits. */
  const ask = async (id: string, way: keyof typeof read = 'plainly'): Promise<Socket> => {
    const before = endpoint?.arms[0]?.model.waiting ?? 0;
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    t.after(() => socket.destroy());
    const body = JSON.stringify(bodyOf(id));
    const sent =
      way === 'plainly'
        ? `content-length: ${body.length}\r\n\r\n${body}`
        : `${read[way]}\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    socket.write(`POST /v2/models/test/infer HTTP/1.1\r\nhost: x\r\n${sent}`);
    while ((endpoint?.arms[0]?.model.waiting ?? 0) === before) await sleep(5);
    return socket;
  };
  const told = async () =>
    (await unshippedRows(directory, 'test')).map((row) => `${row.prediction_id} ${row.status}`).sort();
  return { ask, told, predict: (id: string) => post('/v2/models/test/infer', bodyOf(id)) };
}

test('rows whose caller has left while they waited are not computed; one that only sends no more is answered', async (t) => {
  const { ask, told, predict } = await serving(t, 4);
  const [reset, node, half] = [await ask('reset'), await ask('node', 'by node'), await ask('half')];
  reset.resetAndDestroy();
  node.resetAndDestroy();
  half.end();
  const answer = once(half, 'data') as Promise<[Buffer]>;
  // The server hears of it before it hears of this.
  await sleep(50);
  assert.equal((await predict('stayed')).status, 200);
  assert.match(String((await answer)[0]), /^HTTP\/1\.1 200 /);
  assert.deepEqual(await told(), ['half ok', 'node cancelled', 'reset cancelled', 'stayed ok']);
});

test('a caller that closed its connection a while ago has left', async (t) => {
  const { ask, told, predict } = await serving(t, 2);
  (await ask('gone')).end();
  await sleep(1200);
  assert.equal((await predict('stayed')).status, 200);
  assert.deepEqual(await told(), ['gone cancelled', 'stayed ok']);
});

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { startTestGrpc } from '../../../../test/support/grpc.ts';
import { storePackage, tableOf, testRoute, unshippedRows } from '../../../../test/support/serving.ts';
import { defaultEndpointOptions } from '../../../lifecycle/serving/index.ts';
import { logisticOnnx, logisticPackage } from '../../../platform/onnx/testing.ts';
import { inferPath, protoCodec, RawClient, streamPath } from './testing.ts';

const codec = protoCodec();
const value = Buffer.from(Float64Array.of(0.5).buffer);
const infer = (id: string) =>
  codec.frame('ModelInferRequest', {
    model_name: 'test',
    id,
    inputs: ['x1', 'x2'].map((name) => ({ name, datatype: 'FP64', shape: [1, 1] })),
    raw_input_contents: [value, value],
  });

async function serving(t: TestContext, overrides: Parameters<typeof testRoute>[1]) {
  const { grpcAddress, replica, blobs, directory } = await startTestGrpc(t);
  const digest = await storePackage(blobs, logisticOnnx(), logisticPackage());
  const shadow = overrides?.shadow && { ...overrides.shadow, packageDigest: digest };
  await replica.applyRoutes(tableOf(testRoute(digest, { ...overrides, shadow: shadow ?? null })));
  const client = new RawClient(grpcAddress);
  t.after(() => client.close());
  const told = async () =>
    (await unshippedRows(directory, 'test')).map((row) => `${row.prediction_id} ${row.arm} ${row.status}`);
  return { client, replica, told };
}

test('rows whose caller left while they waited are not computed', async (t) => {
  // Two rows wait for a third.
  const batching = { ...defaultEndpointOptions.batching, maxRows: 3, maxDelayUs: 60_000_000 };
  const { client, told } = await serving(t, { options: { ...defaultEndpointOptions, batching } });
  const left = [inferPath, streamPath].map((path) => {
    const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc' };
    const call = client.session.request(headers).on('error', () => undefined);
    call.end(infer(path === inferPath ? 'unary' : 'stream'));
    return call;
  });
  await client.call('/inference.GRPCInferenceService/ServerLive', codec.frame('ServerLiveRequest', {}));
  for (const call of left) call.close(8);
  await client.call(inferPath, infer('stayed'));
  const ends = ['stayed champion ok', 'stream champion cancelled', 'unary champion cancelled'];
  assert.deepEqual((await told()).sort(), ends);
});

test('the shadow computes what was answered, though its caller has left by then', async (t) => {
  const { client, replica, told } = await serving(t, {
    shadow: { modelVersion: '2', packageDigest: 'sha256:' },
  });
  await client.call(inferPath, infer('a'));
  await replica.plane.shadowsDrained();
  assert.deepEqual(await told(), ['a champion ok', 'a shadow ok']);
});

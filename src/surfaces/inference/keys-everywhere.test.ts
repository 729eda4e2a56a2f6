import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { startTestGrpc } from '../../../test/support/grpc.ts';
import { storePackage, tableOf, testRoute } from '../../../test/support/serving.ts';
import { defaultEndpointOptions, digestOfKey } from '../../lifecycle/serving/index.ts';
import { logisticOnnx, logisticPackage } from '../../platform/onnx/testing.ts';
import { readProto } from './grpc/messages.ts';
import { grpcStatus } from './grpc/status.ts';
import { protoCodec, RawClient } from './grpc/testing.ts';

const key = { authorization: 'Bearer mine' };
const model = '/v2/models/closed';

/** Routes about a model that no OpenAPI document has. */
const undocumented = [
  ...[`GET ${model}/docs`, `GET ${model}/docs/dataplane.json`, `GET ${model}/trace/setting`],
  ...[`GET ${model}/`, `GET ${model}/versions/1`, `GET ${model}/versions/1/ready`, 'GET /v1/models/closed'],
  ...[`POST ${model}/versions/1/infer`, `POST ${model}/infer/`, `POST ${model}/trace/setting`],
  ...[`POST ${model}/generate`, `POST ${model}/generate_stream`, `POST ${model}/infer_stream`],
  ...['POST /invocations', 'POST /endpoints/closed/invocations', 'POST /v2/models/cl%6fsed/infer'],
];
/** Routes that answer whoever asks. */
const open = [
  ...[
    '/',
    '/v2',
    '/v2/health/live',
    '/v2/health/ready',
    '/healthz',
    '/readyz',
    '/ping',
    '/health',
    '/version',
  ],
  ...['/v2/models', '/v1/models', '/v2/models/stats', '/v2/docs', '/v2/docs/dataplane.json'],
  ...['/api/2.0/endpoints', '/api/2.0/endpoints/'],
  ...['/v2/trace/setting', '/v2/logging', '/v2/systemsharedmemory/status', '/v2/cudasharedmemory/status'],
];
const openMethods = [
  ...['ServerLive', 'ServerReady', 'ServerMetadata', 'RepositoryIndex', 'LogSettings'],
  ...['SystemSharedMemoryStatus', 'SystemSharedMemoryRegister', 'SystemSharedMemoryUnregister'],
  ...['CudaSharedMemoryStatus', 'CudaSharedMemoryRegister', 'CudaSharedMemoryUnregister'],
];

/** One endpoint, which asks for keys, over both protocols. */
async function closed(t: TestContext) {
  const serving = await startTestGrpc(t);
  const digest = await storePackage(serving.blobs, logisticOnnx(), logisticPackage());
  const route = testRoute(digest, {
    endpoint: 'closed',
    options: { ...defaultEndpointOptions, requireKey: true },
  });
  const mine = { digest: digestOfKey('mine'), endpoints: ['closed'], actions: ['predict' as const] };
  await serving.replica.applyRoutes({ ...tableOf(route), keys: [{ ...mine, expiresAtMs: null }] });
  return { ...serving, digest, route };
}

test('every route over HTTP that is about an endpoint with keys asks for one; the others do not name it', async (t) => {
  const { url } = await closed(t);
  const ask = (route: string, headers = {}) => {
    const [method = '', path = ''] = route.split(' ');
    return fetch(url + path, { method, headers, ...(method === 'POST' ? { body: '{}' } : {}) });
  };
  const answer = await ask(`GET ${model}/docs/dataplane.json`, key);
  const { paths } = (await answer.json()) as { readonly paths: Readonly<Record<string, object>> };
  const documented = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  assert.ok(documented.length >= 7, documented.join());
  for (const route of [...documented, ...undocumented]) {
    assert.equal((await ask(route)).status, 401, route);
    assert.notEqual((await ask(route, key)).status, 401, `${route} with the key`);
    if (route.startsWith('GET')) assert.equal((await ask(route.replace('GET', 'HEAD'))).status, 401, route);
  }
  for (const path of open) {
    const answered = await ask(`GET ${path}`);
    assert.equal(answered.status, 200, path);
    assert.doesNotMatch(await answered.text(), /closed/, path);
  }
  assert.equal((await ask('GET /api/2.0/endpoints/closed')).status, 404);
  assert.equal((await ask('GET /api/2.0/endpoints/closed', key)).status, 200);
});

test('every method of gRPC that names an endpoint with keys asks for one', async (t) => {
  const { grpcAddress } = await closed(t);
  const client = new RawClient(grpcAddress);
  t.after(() => client.close());
  const codec = protoCodec();
  const named = { name: 'closed', model_name: 'closed' };
  for (const { name, requestType } of readProto('inference').lookupService('inference.GRPCInferenceService')
    .methodsArray) {
    const path = `/inference.GRPCInferenceService/${name}`;
    const call = (headers = {}) => client.call(path, codec.frame(requestType, named), headers);
    const { status, message, messages } = await call();
    const told = `${message} ${messages.map(({ bytes }) => bytes.toString('latin1')).join(' ')}`;
    // A stream tells what keeps a request out in a message.
    if (name === 'ModelStreamInfer') assert.match(told, /key/, name);
    else if (/Repository.*oad$/.test(name)) assert.notEqual(status, grpcStatus.ok, name);
    else assert.equal(status === grpcStatus.unauthenticated, !openMethods.includes(name), `${name}: ${told}`);
    if (openMethods.includes(name)) assert.doesNotMatch(told, /closed/, name);
    else assert.notEqual((await call(key)).status, grpcStatus.unauthenticated, `${name} with the key`);
  }
});

test('who has to say which of several endpoints is told of those alone that he may see', async (t) => {
  const { replica, route, digest, post } = await closed(t);
  const others = ['second', 'third'].map((endpoint) => testRoute(digest, { endpoint }));
  await replica.applyRoutes({ ...tableOf(route, ...others), keys: [] });
  const { status, json } = await post('/invocations', {});
  assert.equal(status, 400);
  assert.match(JSON.stringify(json), /second, third/);
  assert.doesNotMatch(JSON.stringify(json), /closed/);
});

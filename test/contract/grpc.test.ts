import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  defaultEndpointOptions,
  digestOfKey,
  type EndpointOptions,
} from '../../src/lifecycle/serving/index.ts';
import { logisticOnnx, logisticPackage } from '../../src/platform/onnx/testing.ts';
import { startTestGrpc, testGrpcServer } from '../support/grpc.ts';
import { storePackage, tableOf, testRoute } from '../support/serving.ts';

const python = fileURLToPath(new URL('../../.venv-oip/bin/python', import.meta.url));
const skip = existsSync(python) ? false : 'needs the environment of clients (make python-clients)';
const run = promisify(execFile);
const scripts = join(import.meta.dirname, 'grpc');

async function served(t: TestContext) {
  const serving = await startTestGrpc(t);
  const digest = await storePackage(serving.blobs, logisticOnnx(), logisticPackage());
  await serving.replica.applyRoutes(tableOf(testRoute(digest, { endpoint: 'delay' })));
  return serving;
}

test('tritonclient is served: plain, asynchronous and streaming', { skip }, async (t) => {
  const { grpcAddress } = await served(t);
  const { stdout } = await run(python, [join(scripts, 'clients.py'), grpcAddress]);
  assert.match(stdout, /all clients agree/);
});

test("KServe's client is served, and its own field for the name of a model", { skip }, async (t) => {
  const { grpcAddress } = await served(t);
  const { stdout } = await run(python, [join(scripts, 'kserve_client.py'), grpcAddress]);
  assert.match(stdout, /all clients agree/);
});

test('each refusal has its code: keys, limits, deadlines, sizes, wrong requests, models that fail', {
  skip,
}, async (t) => {
  const { replica, blobs, grpcAddress } = await startTestGrpc(t, { bodyLimitBytes: 100_000 });
  const digest = await storePackage(blobs, logisticOnnx(), logisticPackage());
  const broken = await storePackage(blobs, logisticOnnx(Infinity, -Infinity), logisticPackage());
  const none = defaultEndpointOptions;
  const waits = { batching: { ...none.batching, maxDelayUs: 700_000 } };
  const endpoint = (name: string, options: Partial<EndpointOptions> = {}, arms = true) =>
    testRoute(name === 'broken' ? broken : digest, {
      endpoint: name,
      options: { ...none, ...options },
      ...(arms ? {} : { arms: [] }),
    });
  const key = (name: string, scope: object) => ({
    digest: digestOfKey(name),
    endpoints: null,
    actions: ['predict' as const],
    expiresAtMs: null,
    ...scope,
  });
  await replica.applyRoutes({
    ...tableOf(
      endpoint('open'),
      endpoint('keyed', { requireKey: true }),
      endpoint('rare', { limits: { requestsPerSecond: 0.01, concurrentRequests: null } }),
      endpoint('slow', { ...waits, limits: { requestsPerSecond: null, concurrentRequests: 1 } }),
      endpoint('waits', waits),
      endpoint('short', { ...waits, timeoutMs: 60 }),
      endpoint('empty', {}, false),
      endpoint('broken'),
    ),
    keys: [
      key('good', {}),
      key('elsewhere', { endpoints: ['open'] }),
      key('looker', { actions: ['inspect'] }),
      key('old', { expiresAtMs: 1 }),
    ],
  });
  const { stdout } = await run(python, [join(scripts, 'refusals_client.py'), grpcAddress]);
  assert.match(stdout, /all clients agree/);
});

test('reflection tells a client that knows nothing; health is asked and watched', { skip }, async (t) => {
  const { grpcAddress, grpc } = await served(t);
  const protos = fileURLToPath(new URL('../../src/surfaces/inference/grpc/proto', import.meta.url));
  const child = spawn(python, [join(scripts, 'reflection_client.py'), grpcAddress, protos]);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (output.includes('watching')) void grpc.close();
    });
  }
  const [code] = await once(child, 'exit');
  assert.equal(code, 0, output);
  assert.match(output, /all clients agree/);
});

test('the server is replaced again and again under load, and no call fails', { skip }, async (t) => {
  const serving = await served(t);
  const child = spawn(python, [join(scripts, 'restarts.py'), serving.grpcAddress]);
  t.after(() => child.kill('SIGKILL'));
  let output = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const exit = once(child, 'exit');
  const [first] = (await once(child.stdout.setEncoding('utf8'), 'data')) as [string];
  assert.match(first, /calling/);
  child.stdout.on('data', (text: string) => {
    output += text;
  });
  const port = Number(serving.grpcAddress.split(':')[1]);
  let { grpc } = serving;
  for (let i = 0; i < 5; i++) {
    await grpc.close();
    grpc = testGrpcServer(serving.replica);
    await grpc.listen('127.0.0.1', port, '--grpc-port');
    await setTimeout(50);
  }
  child.stdin.write('\n');
  const [code] = await exit;
  assert.equal(code, 0, output);
  assert.match(output, /none failed/);
  await grpc.close();
});

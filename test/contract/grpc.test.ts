import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { logisticOnnx, logisticPackage } from '../../src/platform/onnx/testing.ts';
import { startTestGrpc } from '../support/grpc.ts';
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

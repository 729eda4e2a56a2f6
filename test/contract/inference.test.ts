import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { logisticOnnx, logisticPackage } from '../../src/platform/onnx/testing.ts';
import { startTestServing, storePackage, tableOf, testRoute } from '../support/serving.ts';

const python = fileURLToPath(new URL('../../.venv/bin/python', import.meta.url));
const script = join(import.meta.dirname, 'inference_clients.py');
const skip = existsSync(python) ? false : 'needs the Python environment (make python)';

test('stock tritonclient (JSON tensors) and MLflow scoring clients are served', { skip }, async (t) => {
  const { url, blobs, replica } = await startTestServing(t);
  const digest = await storePackage(blobs, logisticOnnx(), logisticPackage());
  await replica.applyRoutes(tableOf(testRoute(digest, { endpoint: 'delay' })));
  const { hostname, port } = new URL(url);
  const { stdout } = await promisify(execFile)(python, [script, hostname, port]);
  assert.match(stdout, /all clients agree/);
});

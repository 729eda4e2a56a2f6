import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  identityOnnx,
  identityPackage,
  logisticOnnx,
  logisticPackage,
} from '../../src/platform/onnx/testing.ts';
import { startTestServing, storePackage, tableOf, testRoute } from '../support/serving.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
const oipPython = join(root, '.venv-oip/bin/python');
const mlserver = join(root, '.venv-serving/bin/mlserver');
const without = (path: string) => (existsSync(path) ? false : `needs ${path} (make python)`);

async function serve(t: TestContext) {
  const serving = await startTestServing(t, { name: 'triton' });
  const logistic = await storePackage(serving.blobs, logisticOnnx(), logisticPackage());
  const identity = await storePackage(serving.blobs, identityOnnx(), identityPackage());
  const arms = [{ arm: 'champion' as const, modelVersion: '2026.1-rc', packageDigest: logistic, weight: 1 }];
  await serving.replica.applyRoutes(
    tableOf(testRoute(logistic, { endpoint: 'delay', arms }), testRoute(identity, { endpoint: 'same' })),
  );
  return serving;
}

test('stock tritonclient (sync and aio, binary tensors) and KServe clients are served', {
  skip: without(oipPython),
}, async (t) => {
  const { hostname, port } = new URL((await serve(t)).url);
  const script = join(import.meta.dirname, 'inference_oip_clients.py');
  const { stdout } = await run(oipPython, [script, hostname, port]);
  assert.match(stdout, /all clients agree/);
});

test('mlserver infer, a batch client of another server, is served', {
  skip: without(mlserver),
}, async (t) => {
  const { url } = await serve(t);
  const directory = await mkdtemp(join(tmpdir(), 'millrace-mlserver-'));
  t.after(() => rm(directory, { recursive: true }));
  const [input, output] = [join(directory, 'in.ndjson'), join(directory, 'out.ndjson')];
  const line = (i: number) => ({
    id: `row-${i}`,
    inputs: ['x1', 'x2'].map((name) => ({
      name,
      shape: [1, 1],
      datatype: 'FP64',
      data: [name === 'x1' ? i : 0],
    })),
  });
  await writeFile(input, Array.from({ length: 20 }, (_, i) => JSON.stringify(line(i - 10))).join('\n'));
  for (const more of [[], ['-b', '-s', '4']]) {
    await run(mlserver, [
      'infer',
      '-u',
      new URL(url).host,
      '-m',
      'delay',
      '-i',
      input,
      '-o',
      output,
      ...more,
    ]);
    const lines = (await readFile(output, 'utf8')).trim().split('\n');
    const answers = lines.map((text) => JSON.parse(text) as Answer);
    assert.equal(answers.length, 20, `${more}: ${lines[0]}`);
    for (const { id, outputs } of answers) {
      const x1 = Number(String(id).replace('row-', ''));
      assert.deepEqual(outputs.find((o) => o.name === 'label')?.data, [x1 > 0 ? 1 : 0], `${more} ${id}`);
    }
  }
});

interface Answer {
  readonly id: string;
  readonly outputs: readonly { readonly name: string; readonly data: unknown[] }[];
}

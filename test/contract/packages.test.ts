import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { logisticOnnx, logisticPackage } from '../../src/platform/onnx/testing.ts';
import { startServer } from '../support/server.ts';
import { startTestServing, storePackage, tableOf, testRoute } from '../support/serving.ts';

const run = promisify(execFile);
const main = join(import.meta.dirname, '../../src/main.ts');

test('a model of another server, and a graph with it, are registered and deployed from the command line', async (t) => {
  const far = await startTestServing(t);
  const digest = await storePackage(far.blobs, logisticOnnx(2, -1, 0.5), logisticPackage());
  await far.replica.applyRoutes(tableOf(testRoute(digest)));
  const server = await startServer(t);
  const folder = await mkdtemp(join(tmpdir(), 'millrace-packages-'));
  t.after(() => rm(folder, { recursive: true }));
  const cli = (...args: string[]) =>
    run(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...args], {
      env: { ...process.env, MILLRACE_URL: server.url },
    });
  const infer = async (url: string, endpoint: string) => {
    const tensor = (name: string, data: number[]) => ({ name, datatype: 'FP64', shape: [2, 1], data });
    const response = await fetch(`${url}/v2/models/${endpoint}/infer`, {
      method: 'POST',
      body: JSON.stringify({ inputs: [tensor('x1', [1, -2]), tensor('x2', [0.5, 3])] }),
    });
    const { outputs, error } = (await response.json()) as {
      outputs?: { name: string; data: number[] }[];
      error?: string;
    };
    return outputs?.find((o) => o.name === 'probability')?.data ?? error;
  };

  const registered = await cli('package', 'far', '--remote', far.url, '--remote-model', 'test');
  assert.match(registered.stdout, /Version 1 of far takes x1 \(\w+\), x2 \(\w+\)/);
  const again = await cli('package', 'far', '--remote', far.url, '--remote-model', 'test');
  assert.equal(again.stdout, registered.stdout, 'the same package is the same version');
  await cli('deploy', 'far', '1', '--reason', 'on the other server');
  const direct = (await infer(far.url, 'test')) as number[];
  assert.deepEqual(await infer(server.serveUrl, 'far'), direct);

  const { arms } = (await (await fetch(`${server.url}/api/v1/endpoints/far`)).json()) as {
    arms: { packageDigest: string }[];
  };
  const member = (name: string) => ({ step: { kind: 'model', name, package: arms[0]?.packageDigest } });
  const step = { kind: 'ensemble', name: 'both', combine: 'average', members: [member('a'), member('b')] };
  await writeFile(join(folder, 'graph.json'), JSON.stringify({ kind: 'graph', step }));
  await cli('package', 'mean', '--file', join(folder, 'graph.json'));
  await cli('deploy', 'mean', '1', '--reason', 'twice the same');
  const mean = (await infer(server.serveUrl, 'mean')) as number[];
  for (const [i, value] of mean.entries()) assert.ok(Math.abs(value - (direct[i] ?? 0)) < 1e-6);

  await writeFile(
    join(folder, 'twice.json'),
    JSON.stringify({ kind: 'graph', step: { ...step, members: [member('a'), member('a')] } }),
  );
  await assert.rejects(
    cli('package', 'mean', '--file', join(folder, 'twice.json')),
    /another step has the same name/,
  );
  await assert.rejects(
    cli('package', 'gone', '--remote', 'http://127.0.0.1:1'),
    /cannot answer for model gone/,
  );
  await far.stop();
  assert.match(String(await infer(server.serveUrl, 'mean')), /step "[ab]": the server .* cannot answer/);
});

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { canonicalJson } from '../../src/core/json.ts';
import { describeRemote } from '../../src/platform/runtimes/index.ts';
import { freePorts } from '../support/ports.ts';
import { startTestServing, tableOf, testRoute } from '../support/serving.ts';

const mlserver = join(import.meta.dirname, '../../.venv-serving/bin/mlserver');

test('a model of MLServer answers at an endpoint', { skip: !existsSync(mlserver) }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-remote-'));
  t.after(() => rm(folder, { recursive: true }));
  const [http_port, grpc_port, metrics_port] = await freePorts(3);
  const settings = { http_port, grpc_port, metrics_port, host: '127.0.0.1', parallel_workers: 0 };
  await writeFile(join(folder, 'settings.json'), JSON.stringify(settings));
  const tensor = (name: string, datatype: string) => ({ name, datatype, shape: [-1, 1] });
  const model = {
    name: 'sums',
    implementation: 'mlserver_model.Sums',
    inputs: [tensor('x', 'FP64'), tensor('y', 'FP64'), tensor('word', 'BYTES')],
    outputs: [tensor('sum', 'FP64'), tensor('loud', 'BYTES')],
  };
  await writeFile(join(folder, 'model-settings.json'), JSON.stringify(model));
  const child = spawn(mlserver, ['start', folder], {
    cwd: folder,
    stdio: 'ignore',
    env: { ...process.env, PYTHONPATH: import.meta.dirname },
  });
  t.after(async () => {
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await exit;
  });
  const url = `http://127.0.0.1:${http_port}`;
  const ready = () =>
    fetch(`${url}/v2/models/sums/ready`).then(
      (r) => r.ok,
      () => false,
    );
  while (!(await ready())) {
    assert.equal(child.exitCode, null, 'it started');
    await sleep(100);
  }

  const remote = { kind: 'remote', url, model: 'sums', version: null, timeoutMs: 60_000 } as const;
  const manifest = await describeRemote('sums', remote);
  assert.ok(manifest.runtime.kind === 'remote' && !manifest.runtime.binary, 'it has no binary tensors');
  assert.deepEqual(manifest.score, { output: 'sum', index: 0 });
  const serving = await startTestServing(t);
  const { digest } = await serving.blobs.put(canonicalJson(manifest));
  await serving.replica.applyRoutes(tableOf(testRoute(digest)));
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) =>
      serving.post('/endpoints/test/invocations', {
        dataframe_records: [{ x: i, y: 0.5, word: `w${i}` }],
      }),
    ),
  );
  assert.deepEqual(
    answers.map(({ json }) => json.predictions),
    Array.from({ length: 20 }, (_, i) => [{ sum: i + 0.5, loud: `W${i}` }]),
  );
});

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { logisticOnnx } from '../../src/platform/onnx/testing.ts';
import { startServer } from '../support/server.ts';

const run = promisify(execFile);
const script = join(import.meta.dirname, 'faults/train.ts');
const main = join(import.meta.dirname, '../../src/main.ts');
const node = [process.execPath, '--disable-warning=ExperimentalWarning'] as const;

test('serving alone: what a script registered answers at an endpoint, without a loop', async (t) => {
  const server = await startServer(t);
  const folder = await mkdtemp(join(tmpdir(), 'millrace-deployment-'));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'model.onnx'), logisticOnnx());
  const tracking = {
    MLFLOW_TRACKING_URI: server.url,
    MLFLOW_TRACKING_TOKEN: '',
    MLFLOW_EXPERIMENT_NAME: 'churn',
  };
  await run(node[0], [node[1], script, 'x1:double', 'x2:double'], {
    cwd: folder,
    env: { ...process.env, ...tracking },
  });

  const mlflow = async (path: string, body: unknown): Promise<Record<string, never>> => {
    const response = await fetch(`${server.url}/api/2.0/mlflow/${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    });
    assert.equal(response.status, 200, path);
    return (await response.json()) as Record<string, never>;
  };
  const { models } = (await mlflow('logged-models/search', { experiment_ids: ['1'] })) as unknown as {
    models: { info: { model_id: string; source_run_id: string } }[];
  };
  const { model_id, source_run_id } = models[0]?.info ?? { model_id: '', source_run_id: '' };
  await mlflow('registered-models/create', { name: 'churn' });
  const source = { source: `models:/${model_id}`, model_id, run_id: source_run_id };
  await mlflow('model-versions/create', { name: 'churn', ...source });

  const cli = (...args: string[]) =>
    run(node[0], [node[1], main, ...args], { env: { ...process.env, MILLRACE_URL: server.url } });
  const deployed = await cli('deploy', 'churn', '1', '--reason', 'first try');
  assert.match(deployed.stdout, /Version 1 of churn answers at churn \(route \d+\)/);

  const answer = await fetch(`${server.serveUrl}/endpoints/churn/invocations`, {
    method: 'POST',
    body: JSON.stringify({
      dataframe_records: [
        { x1: 5, x2: -5 },
        { x1: -5, x2: 5 },
      ],
    }),
    headers: { 'content-type': 'application/json' },
  });
  assert.equal(answer.status, 200);
  const body = (await answer.json()) as { predictions: { label: number }[] };
  assert.deepEqual(
    body.predictions.map((row) => row.label),
    [1, 0],
  );

  const again = await cli('deploy', 'churn', '1', '--reason', 'the same again');
  assert.equal(again.stdout, deployed.stdout, 'nothing changes');
  await assert.rejects(cli('deploy', 'churn', '7', '--reason', 'x'), /7/);
});

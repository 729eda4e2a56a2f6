import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mlflow3, runScript } from '../support/mlflow-client.ts';
import { startServer } from '../support/server.ts';

test('autologging of scikit-learn, LightGBM and XGBoost works', async (t) => {
  const { url } = await startServer(t, { role: 'control' });
  assert.equal(await runScript(mlflow3, 'autologging.py', { url }), 'autologging: done');
});

test('a script loses no point while the server is killed and started again', async (t) => {
  const server = await startServer(t, { role: 'control' });
  let restarted: Promise<void> | undefined;
  const restart = async (): Promise<void> => {
    await server.kill();
    await server.start();
  };
  await runScript(mlflow3, 'outage.py', {
    url: server.url,
    args: ['120'],
    env: { MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR: '1', MLFLOW_HTTP_REQUEST_BACKOFF_JITTER: '0' },
    onLine: (line) => {
      if (line === 'step 40') restarted = restart();
    },
  });
  assert.ok(restarted, 'the server was never taken away');
  await restarted;
});

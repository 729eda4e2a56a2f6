import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mlflow2, mlflow3, runScript } from '../support/mlflow-client.ts';
import { startServer } from '../support/server.ts';

test('the whole client works, with MLflow 3 and the last MLflow 2', async (t) => {
  const { url } = await startServer(t, { role: 'control' });
  assert.match(await runScript(mlflow3, 'methods.py', { url }), /^mlflow 3\.\d+\.\d+: done$/);
  assert.match(await runScript(mlflow2, 'methods.py', { url }), /^mlflow 2\.22\.\d+: done$/);
});

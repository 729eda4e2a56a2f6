/**
 * A training script without Python: logs the ONNX model beside it, as `mlflow.onnx.log_model` does.
 * Arguments: the columns of the signature, as name:type. With OUTSIDE_RUN=1 the model is of no run.
 */
import { readFile } from 'node:fs/promises';

const {
  MLFLOW_TRACKING_URI: url,
  MLFLOW_TRACKING_TOKEN: token,
  MLFLOW_EXPERIMENT_NAME: experiment,
  OUTSIDE_RUN: outside,
} = process.env;

async function call(
  method: string,
  path: string,
  body: string | Uint8Array,
): Promise<Record<string, unknown>> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const response = await fetch(`${url}/api/2.0/${path}`, {
    method,
    headers,
    body: body as NonNullable<RequestInit['body']>,
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return JSON.parse(text || '{}');
}

const json = (value: unknown): string => JSON.stringify(value);
const { experiment_id } = await call('POST', 'mlflow/experiments/create', json({ name: experiment }));
const created = await call('POST', 'mlflow/runs/create', json({ experiment_id, start_time: Date.now() }));
const run_id = (created as { run: { info: { run_id: string } } }).run.info.run_id;
const logged = await call(
  'POST',
  'mlflow/logged-models',
  json({ experiment_id, name: 'model', source_run_id: outside ? '' : run_id }),
);
const { model_id, artifact_uri } = (logged as { model: { info: Record<string, string> } }).model.info;
const inputs = process.argv.slice(2).map((column) => {
  const [name, type] = column.split(':');
  return { name, type, required: true };
});
const artifacts = `mlflow-artifacts/artifacts/${artifact_uri?.replace(/^mlflow-artifacts:\/+/, '')}`;
const mlmodel = `flavors:\n  onnx:\n    data: model.onnx\nsignature:\n  inputs: '${json(inputs)}'\n`;
await call('PUT', `${artifacts}/MLmodel`, mlmodel);
await call('PUT', `${artifacts}/model.onnx`, await readFile('model.onnx'));
await call('PATCH', `mlflow/logged-models/${model_id}`, json({ status: 'LOGGED_MODEL_READY' }));
await call('POST', 'mlflow/runs/update', json({ run_id, status: 'FINISHED', end_time: Date.now() }));

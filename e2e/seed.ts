import { createHash } from 'node:crypto';
import { canonicalJson } from '../src/core/json.ts';
import { importOnnx } from '../src/platform/onnx/index.ts';
import { logisticOnnx, logisticPackage } from '../src/platform/onnx/testing.ts';

/** What the tests of the screens put into a server, all of it through the public API. */

type Json = Readonly<Record<string, unknown>>;

async function send<T>(method: string, url: string, body: unknown): Promise<T> {
  const response = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url} answered ${response.status}: ${text}`);
  return (text === '' ? {} : JSON.parse(text)) as T;
}

export const postJson = <T = Json>(url: string, body: unknown): Promise<T> => send<T>('POST', url, body);

export const putJson = <T = Json>(url: string, body: unknown): Promise<T> => send<T>('PUT', url, body);

/** An experiment by the MLflow API; returns its id. */
export async function createExperiment(url: string, name: string): Promise<string> {
  const made = await postJson<{ experiment_id: string }>(`${url}/api/2.0/mlflow/experiments/create`, {
    name,
  });
  return made.experiment_id;
}

/** A finished run with params and metrics (`metric: [value at step 0, 1, ...]`); returns its id. */
export async function createRun(
  url: string,
  experimentId: string,
  name: string,
  params: Readonly<Record<string, string>>,
  metrics: Readonly<Record<string, readonly number[]>>,
): Promise<string> {
  const mlflow = `${url}/api/2.0/mlflow/runs`;
  const startTime = Date.now();
  const { run } = await postJson<{ run: { info: { run_id: string } } }>(`${mlflow}/create`, {
    experiment_id: experimentId,
    run_name: name,
    start_time: startTime,
  });
  const runId = run.info.run_id;
  await postJson(`${mlflow}/log-batch`, {
    run_id: runId,
    params: Object.entries(params).map(([key, value]) => ({ key, value })),
    metrics: Object.entries(metrics).flatMap(([key, values]) =>
      values.map((value, step) => ({ key, value, step, timestamp: startTime + step })),
    ),
  });
  await postJson(`${mlflow}/update`, { run_id: runId, status: 'FINISHED', end_time: startTime + 4200 });
  return runId;
}

async function putBlob(url: string, bytes: Uint8Array): Promise<string> {
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  const response = await fetch(`${url}/api/v1/blobs/${digest}`, {
    method: 'PUT',
    body: new Uint8Array(bytes),
  });
  if (!response.ok) throw new Error(`the blob was refused: ${await response.text()}`);
  return digest;
}

/** Logs an ONNX model of x1 and x2 as MLflow's client does, and registers it; it is not packaged yet. */
export async function registerVersion(
  url: string,
  experimentId: string,
  model: string,
  weight: number,
): Promise<void> {
  const inputs = ['x1', 'x2'].map((name) => ({ name, type: 'double', required: true }));
  await registerFiles(url, experimentId, model, `weight ${weight}`, [
    [
      'MLmodel',
      `flavors:\n  onnx:\n    data: model.onnx\nsignature:\n  inputs: '${JSON.stringify(inputs)}'\n`,
    ],
    ['model.onnx', logisticOnnx(weight)],
  ]);
}

/** Logs the files of a saved MLflow model in a run of their own, and registers them as the model's next version. */
export async function registerFiles(
  url: string,
  experimentId: string,
  model: string,
  runName: string,
  files: readonly (readonly [path: string, content: string | Uint8Array])[],
): Promise<void> {
  const mlflow = `${url}/api/2.0/mlflow`;
  const run_id = await createRun(url, experimentId, runName, {}, {});
  const logged = await postJson<{ model: { info: { model_id: string; artifact_uri: string } } }>(
    `${mlflow}/logged-models`,
    { experiment_id: experimentId, name: 'model', source_run_id: run_id },
  );
  const { model_id, artifact_uri } = logged.model.info;
  const folder = artifact_uri.replace(/^mlflow-artifacts:\/+/, '');
  for (const [name, bytes] of files) {
    const response = await fetch(`${url}/api/2.0/mlflow-artifacts/artifacts/${folder}/${name}`, {
      method: 'PUT',
      body: typeof bytes === 'string' ? bytes : new Uint8Array(bytes),
    });
    if (!response.ok) throw new Error(`the file was refused: ${await response.text()}`);
  }
  await send('PATCH', `${mlflow}/logged-models/${model_id}`, { model_id, status: 'LOGGED_MODEL_READY' });
  await postJson(`${mlflow}/model-versions/create`, {
    name: model,
    source: `models:/${model_id}`,
    model_id,
    run_id,
  });
}

/** Stores a logistic regression on x1 and x2 as a model package; returns the package's digest. */
async function storeModel(url: string, weight: number): Promise<string> {
  const onnx = await putBlob(url, importOnnx(logisticOnnx(weight)).bytes);
  const manifest = {
    formatVersion: 1,
    model: 'sea-level',
    contract: null,
    sample: [{ x1: 1, x2: 1 }],
    ...logisticPackage(),
    onnx,
  };
  return putBlob(url, new TextEncoder().encode(canonicalJson(manifest)));
}

/** Declares an endpoint and gives version 1 all of its traffic; resolves when the replica answers with it. */
export async function deployModel(url: string, endpoint: string): Promise<void> {
  const packageDigest = await storeModel(url, 1);
  await postJson(`${url}/api/v1/endpoints`, { name: endpoint, model: 'sea-level', entityFeature: 'station' });
  const body = { modelVersion: '1', packageDigest, reason: 'first version' };
  await postJson(`${url}/api/v1/endpoints/${endpoint}/deploy?waitMs=15000`, body);
}

/** Resolves when every replica serves an endpoint as control has it. */
export async function routeInForce(url: string, endpoint: string): Promise<void> {
  for (;;) {
    const response = await fetch(`${url}/api/v1/endpoints/${endpoint}`);
    const { replicas } = (await response.json()) as { replicas: readonly { current: boolean }[] };
    if (replicas.length > 0 && replicas.every(({ current }) => current)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Asks an endpoint `count` times, an hour of event time apart from `startMs` on; returns the prediction ids, `ask-0` on. */
export async function askModel(
  serveUrl: string,
  endpoint: string,
  count: number,
  startMs: number,
  name = 'ask',
): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const id = `${name}-${index}`;
    await postJson(`${serveUrl}/v2/models/${endpoint}/infer`, {
      id,
      parameters: { entity: `station-${index % 7}`, event_time: startMs + index * 3_600_000 },
      inputs: [
        { name: 'x1', datatype: 'FP64', shape: [1, 1], data: [(index % 10) / 5] },
        { name: 'x2', datatype: 'FP64', shape: [1, 1], data: [1] },
      ],
    });
    ids.push(id);
  }
  return ids;
}

/** A file among the artifacts of a run, by the proxy that MLflow's client writes to. */
export async function logFile(
  url: string,
  experimentId: string,
  runId: string,
  path: string,
  bytes: string | Uint8Array,
): Promise<void> {
  const place = path.split('/').map(encodeURIComponent).join('/');
  const response = await fetch(
    `${url}/api/2.0/mlflow-artifacts/artifacts/${experimentId}/${runId}/artifacts/${place}`,
    { method: 'PUT', body: typeof bytes === 'string' ? bytes : new Uint8Array(bytes) },
  );
  if (!response.ok) throw new Error(`the file was refused: ${await response.text()}`);
}

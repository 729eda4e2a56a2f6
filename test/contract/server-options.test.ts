import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startServer, type TestServer } from '../support/server.ts';

const python =
  process.env.MILLRACE_PYTHON ?? fileURLToPath(new URL('../../.venv/bin/python', import.meta.url));
const run = promisify(execFile);

async function control(t: TestContext, env: Readonly<Record<string, string>>): Promise<TestServer> {
  return startServer(t, { role: 'control', env });
}

/** Logs a parameter and a file with the real client, and prints where the file went and what it holds. */
const script = `
import json, mlflow
mlflow.set_experiment("options")
with mlflow.start_run() as run:
    mlflow.log_param("a", 1)
    mlflow.log_text("hello", "folder/x.txt")
print(json.dumps({
    "uri": run.info.artifact_uri,
    "text": mlflow.artifacts.load_text(run.info.artifact_uri + "/folder/x.txt"),
    "default": mlflow.get_experiment("0").artifact_location,
}))
`;

async function logged(url: string): Promise<{ uri: string; text: string; default: string }> {
  const env = { ...process.env, MLFLOW_TRACKING_URI: url, MLFLOW_DISABLE_TELEMETRY: 'true' };
  const { stdout } = await run(python, ['-W', 'ignore', '-c', script], { env });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as never;
}

/** A request with headers that fetch does not let through. */
async function raw(
  url: string,
  method: string,
  headers: Readonly<Record<string, string>>,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const sending = request(url, { method, headers }, (response) => {
      text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
    });
    sending.once('error', reject);
    sending.end(method === 'POST' ? '{}' : undefined);
  });
}

test('behind a path prefix everything is there, and nothing without it', async (t) => {
  const server = await control(t, { MILLRACE_STATIC_PREFIX: '/team/ml' });
  const bare = server.url.replace('/team/ml', '');
  assert.match(server.url, /\/team\/ml$/);
  assert.equal((await logged(server.url)).text, 'hello');
  assert.equal(await (await fetch(`${server.url}/health`)).text(), 'OK');
  assert.equal((await fetch(`${server.url}/api/v1/experiments`)).status, 200);
  const without = await fetch(`${bare}/api/v1/experiments`);
  assert.equal(without.status, 404);
  assert.match(((await without.json()) as { detail: string }).detail, /they all begin with \/team\/ml/);
  const bareHome = await fetch(bare, { redirect: 'manual' });
  assert.equal(bareHome.headers.get('location'), '/team/ml/');
  assert.equal((await fetch(`${bare}/team/mlx/health`)).status, 404);
});

test('clients keep artifacts in a directory of their own when the server serves none', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-options-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const server = await control(t, { MILLRACE_SERVE_ARTIFACTS: 'false', MILLRACE_ARTIFACT_ROOT: directory });
  const seen = await logged(server.url);
  assert.equal(seen.text, 'hello');
  assert.ok(seen.uri.startsWith(`${directory}/1/`), seen.uri);
  assert.equal(seen.default, `${directory}/0`);
  const proxy = `${server.url}/api/2.0/mlflow-artifacts`;
  const get = await fetch(`${proxy}/artifacts/x`);
  assert.equal(get.status, 503);
  assert.deepEqual(await get.json(), {
    detail: 'Artifact serving is disabled. Run `mlflow server` with `--serve-artifacts` to enable.',
  });
  const list = await fetch(`${proxy}/artifacts`);
  assert.equal(list.status, 503);
  assert.equal(
    await list.text(),
    'Endpoint: /api/2.0/mlflow-artifacts/artifacts disabled due to the mlflow server running with `--no-serve-artifacts`. To enable artifacts server functionality, run `mlflow server` with `--serve-artifacts`',
  );
  assert.equal((await fetch(`${proxy}/presigned/x`)).status, 503);
});

test('a server of artifacts only tracks nothing', async (t) => {
  const server = await control(t, { MLFLOW_ARTIFACTS_ONLY: 'true' });
  const artifact = `${server.url}/api/2.0/mlflow-artifacts/artifacts/a/b.txt`;
  assert.equal((await fetch(artifact, { method: 'PUT', body: 'b' })).status, 200);
  assert.equal(await (await fetch(artifact)).text(), 'b');
  const get = await fetch(`${server.url}/api/2.0/mlflow/logged-models/m-1`);
  assert.equal(get.status, 503);
  assert.equal(
    await get.text(),
    'Endpoint: /api/2.0/mlflow/logged-models/<model_id> disabled due to the mlflow server running in `--artifacts-only` mode. To enable tracking server functionality, run `mlflow server` without `--artifacts-only`',
  );
  for (const path of ['/api/2.0/mlflow/experiments/search?max_results=1', '/get-artifact', '/api/v1/runs']) {
    assert.equal((await fetch(`${server.url}${path}`)).status, 503, path);
  }
  for (const path of ['/health', '/version', '/api/3.0/mlflow/server-info']) {
    assert.equal((await fetch(`${server.url}${path}`)).status, 200, path);
  }
});

test("what MLflow's variables say of long values and of sources of versions holds", async (t) => {
  const server = await control(t, {
    MLFLOW_TRUNCATE_LONG_VALUES: 'false',
    MLFLOW_CREATE_MODEL_VERSION_SOURCE_VALIDATION_REGEX: '^s3://(?P<bucket>ours)/',
  });
  const post = async (path: string, body: unknown) => {
    const headers = { 'content-type': 'application/json' };
    const init = { method: 'POST', headers, body: JSON.stringify(body) };
    const answer = await fetch(`${server.url}/api/2.0/mlflow/${path}`, init);
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  };
  const made = await post('runs/create', { experiment_id: '0' });
  const { run_id } = (made.body.run as { info: { run_id: string } }).info;
  const long = { key: 'k', value: 'x'.repeat(8001) };
  const refusals = [
    [
      'runs/log-parameter',
      { run_id, ...long },
      "'Param value' exceeds the maximum length of 6000 characters",
    ],
    ['runs/set-tag', { run_id, ...long }, "'value' exceeds the maximum length of 8000 characters"],
    [
      'runs/log-batch',
      { run_id, tags: [long] },
      "'tags[0].value' exceeds the maximum length of 8000 characters",
    ],
    ['runs/create', { tags: [long] }, "'tags[0].value' exceeds the maximum length of 8000 characters"],
    [
      'model-versions/create',
      { name: 'm', source: 's3://other/m' },
      "Invalid model version source: 's3://other/m'.",
    ],
  ] as const;
  await post('registered-models/create', { name: 'm' });
  for (const [path, body, message] of refusals) {
    const answer = await post(path, body);
    assert.deepEqual([answer.status, answer.body.message], [400, message], path);
  }
  const ofTrace = await fetch(`${server.url}/api/3.0/mlflow/traces/tr-1/tags`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(long),
  });
  const { message } = (await ofTrace.json()) as { message: string };
  assert.deepEqual([ofTrace.status, message], [400, "'value' exceeds the maximum length of 8000 characters"]);
  const full = { key: 'k', value: 'x'.repeat(6000) };
  assert.equal((await post('runs/log-parameter', { run_id, ...full })).status, 200);
  assert.equal((await post('model-versions/create', { name: 'm', source: 's3://ours/m' })).status, 200);
});

test('foreign hosts and origins are refused with what to set, own ones are not', async (t) => {
  const server = await control(t, {
    MILLRACE_ALLOWED_HOSTS: 'ml.example.com,127.0.0.1:*',
    MLFLOW_SERVER_CORS_ALLOWED_ORIGINS: 'https://app.example.com',
    MLFLOW_SERVER_X_FRAME_OPTIONS: 'deny',
  });
  const create = `${server.url}/api/2.0/mlflow/experiments/create`;
  const evil = await raw(create, 'POST', { host: 'evil.com' });
  assert.equal(evil.status, 403);
  assert.match(
    evil.body,
    /^Invalid Host header - possible DNS rebinding attack detected\n.*MILLRACE_ALLOWED_HOSTS/,
  );
  assert.equal((await raw(`${server.url}/health`, 'GET', { host: 'evil.com' })).status, 200);
  assert.equal((await raw(`${server.url}/version`, 'GET', { host: 'ml.example.com' })).status, 200);
  const crossing = await raw(create, 'POST', { origin: 'http://evil.com' });
  assert.deepEqual([crossing.status, crossing.body.split('\n')[0]], [403, 'Cross-origin request blocked']);
  const json = { 'content-type': 'application/json' };
  for (const origin of ['https://app.example.com', 'http://localhost:3000', new URL(server.url).origin]) {
    assert.equal((await raw(create, 'POST', { origin, ...json })).status, 400, origin);
  }
  const home = await fetch(`${server.url}/health`);
  assert.equal(home.headers.get('x-frame-options'), 'DENY');
  assert.equal(home.headers.get('x-content-type-options'), 'nosniff');

  const open = await control(t, { MLFLOW_SERVER_DISABLE_SECURITY_MIDDLEWARE: 'true' });
  const health = await fetch(`${open.url}/health`);
  assert.equal(health.headers.get('x-frame-options'), null);
  const any = { host: 'evil.com', origin: 'http://evil.com', ...json };
  assert.equal((await raw(`${open.url}/api/2.0/mlflow/experiments/create`, 'POST', any)).status, 400);
});

test('many servers run beside each other', async (t) => {
  const servers = await Promise.all(Array.from({ length: 4 }, () => control(t, {})));
  const answers = await Promise.all(servers.map(async ({ url }) => (await fetch(`${url}/health`)).text()));
  assert.deepEqual(answers, ['OK', 'OK', 'OK', 'OK']);
});

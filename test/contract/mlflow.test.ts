import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { allMigrations } from '../../src/compose/control-services.ts';
import type {
  LoggedModelWithFiles,
  MetricHistory,
  RunDetail,
} from '../../src/lifecycle/experiments/contract.ts';
import type { AliasMove, ModelVersion } from '../../src/lifecycle/registry/contract.ts';
import { dataDirectory } from '../../src/platform/config/index.ts';
import { migrate, openSqlite } from '../../src/platform/db/index.ts';
import { Jobs } from '../../src/platform/jobs/index.ts';
import { startServer } from '../support/server.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const python =
  process.env.MILLRACE_PYTHON ?? fileURLToPath(new URL('../../.venv/bin/python', import.meta.url));
const run = promisify(execFile);

/** Runs a Python file with the real MLflow client, and gives what it printed. */
async function runPython(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<string> {
  const { stdout } = await run(python, ['-W', 'ignore', join(here, file), ...args], {
    env: { ...process.env, ...env, MLFLOW_DISABLE_TELEMETRY: 'true' },
    maxBuffer: 64 * 1024 * 1024,
  }).catch((error: { stdout: string; stderr: string }) => {
    throw new Error(`${file} failed:\n${error.stdout}\n${error.stderr}`);
  });
  return stdout;
}

async function temporaryDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-mlflow-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

async function json<T>(url: string, init?: RequestInit): Promise<T> {
  const response = await fetch(url, init);
  assert.ok(response.ok, `${url}: ${response.status} ${await response.clone().text()}`);
  return (await response.json()) as T;
}

test('an unmodified script with stock mlflow and scikit-learn works, as a step of the loop too', async (t) => {
  const root = await temporaryDirectory(t);
  const kind = 'contract-test';
  const { database } = dataDirectory(root);
  const db = openSqlite(database);
  await migrate(db, allMigrations);
  const jobs = new Jobs(db);
  await db.write((tx) => jobs.enqueue(tx, { kind, payload: {} }));
  await db.close();
  const server = await startServer(t, { role: 'control', dataDirectory: root });

  const body = JSON.stringify({ instance: '1', kinds: [kind], waitMs: 1000 });
  const post = { method: 'POST', headers: { 'content-type': 'application/json' } };
  const { job } = await json<{ job: { id: string; token: string; attempt: number } }>(
    `${server.url}/api/v1/workers/test/lease`,
    { ...post, body },
  );
  const beat = setInterval(() => {
    const heartbeat = JSON.stringify({ attempt: job.attempt });
    // The server may be on its way out, at the end.
    fetch(`${server.url}/api/v1/jobs/${job.id}/heartbeat`, { ...post, body: heartbeat }).catch(() => {});
  }, 3000);
  t.after(() => clearInterval(beat));

  const printed = await runPython('mlflow_script.py', [], {
    MLFLOW_TRACKING_URI: server.url,
    MLFLOW_TRACKING_TOKEN: job.token,
  });
  const made = JSON.parse(printed.trim().split('\n').at(-1) ?? '') as Record<
    'run' | 'model' | 'experiment',
    string
  >;

  const seen = await json<RunDetail>(`${server.url}/api/v1/runs/${made.run}`);
  assert.equal(seen.stepRunId, job.id);
  assert.equal(seen.tags['millrace.step'], job.id);
  assert.equal(seen.experimentName, 'flights');
  assert.deepEqual(seen.metrics.odd?.last, 'NaN');
  assert.deepEqual([seen.metrics.loss?.min, seen.metrics.loss?.max, seen.metrics.loss?.count], [0.2, 1, 5]);
  assert.deepEqual(
    seen.models.map((model) => [model.id, model.status, model.params.C]),
    [[made.model, 'READY', '1.0']],
  );
  assert.deepEqual(seen.inputs[0]?.tags, { 'mlflow.data.context': 'training' });

  const history = await json<MetricHistory>(
    `${server.url}/api/v1/runs/${made.run}/metric-history?key=loss&buckets=2`,
  );
  assert.deepEqual(
    history.buckets.map((b) => [b.count, b.max]),
    [
      [3, 1],
      [2, 0.25],
    ],
  );

  const ofStep = await json<{ items: LoggedModelWithFiles[] }>(
    `${server.url}/api/v1/logged-models?stepRunId=${job.id}`,
  );
  const [model] = ofStep.items;
  assert.equal(model?.id, made.model);
  const paths = model?.files.map((file) => file.path) ?? [];
  for (const path of ['MLmodel', 'input_example.json', 'requirements.txt'])
    assert.ok(paths.includes(path), path);
  const content = await fetch(
    `${server.url}/api/v1/logged-models/${made.model}/artifact-content?path=MLmodel`,
    {
      headers: { range: 'bytes=0-3' },
    },
  );
  assert.equal(content.status, 206);
  assert.equal((await content.text()).length, 4);

  const version = await json<ModelVersion>(`${server.url}/api/v1/registered-models/flight-delay/versions/1`);
  assert.deepEqual(
    [version.modelId, version.sourceRunId, version.aliases, version.createdBy, version.digest],
    [made.model, made.run, ['candidate'], `job:${job.id}`, null],
  );
  const moves = await json<{ items: AliasMove[] }>(
    `${server.url}/api/v1/registered-models/flight-delay/alias-moves`,
  );
  assert.deepEqual(
    moves.items.map((move) => [move.alias, move.version, move.by]),
    [['candidate', 1, `job:${job.id}`]],
  );
});

test("thousands of requests are answered as MLflow's own server answers them, field by field", async (t) => {
  const scratch = await temporaryDirectory(t);
  await mkdir(join(scratch, 'artifacts'));
  const server = await startServer(t, { role: 'control' });
  const printed = await runPython('differential', [server.url, scratch], {});
  assert.match(printed, /^\d{4} compared, 0 differences, /m);
});

test("errors are MLflow's in shape, and never ask a client to try again in vain", async (t) => {
  const server = await startServer(t, { role: 'control' });
  const unknown = await fetch(`${server.url}/api/2.0/mlflow/gateway/routes`);
  assert.equal(unknown.status, 404);
  assert.equal(((await unknown.json()) as { error_code: string }).error_code, 'ENDPOINT_NOT_FOUND');
  const traversals = ['..%2f..%2fetc', '%2e%2e/x', '%252e%252e/x', 'a/..%5c..%5cx', '%00', '%2fetc%2fpasswd'];
  for (const path of traversals) {
    const url = `${server.url}/api/2.0/mlflow-artifacts/artifacts/${path}`;
    const put = await fetch(url, { method: 'PUT', body: 'x' });
    assert.ok([400, 404].includes(put.status), `${path}: ${put.status}`);
  }
  const big = await announce(`${server.url}/api/2.0/mlflow/runs/log-batch`, 65 * 1024 * 1024);
  assert.equal(big.status, 413);
  assert.match((JSON.parse(big.body) as { message: string }).message, /67108864 bytes/);
});

/** The answer to a POST of that many bytes of JSON, given before any of them is sent. */
async function announce(url: string, sizeBytes: number): Promise<{ status: number; body: string }> {
  const headers = { 'content-type': 'application/json', 'content-length': sizeBytes };
  const outgoing = request(url, { method: 'POST', headers });
  outgoing.flushHeaders();
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage];
  const body = await text(answer);
  outgoing.destroy();
  return { status: answer.statusCode ?? 0, body };
}

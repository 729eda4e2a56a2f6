import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { packageManifestSchema } from '../../src/core/model-package.ts';
import { startServer } from '../support/server.ts';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');
const python = join(root, '.venv/bin/python');
const main = join(root, 'src/main.ts');
const script = join(import.meta.dirname, 'python_models.py');

test('models that MLflow logged run as Python at an endpoint, and crash without harm', {
  skip: !existsSync(python),
}, async (t) => {
  const server = await startServer(t, { env: { MILLRACE_PYTHON: python, MILLRACE_PYTHON_WORKERS: '2' } });
  const folder = await mkdtemp(join(tmpdir(), 'millrace-python-serving-'));
  t.after(() => rm(folder, { recursive: true }));
  await run(python, [script], { cwd: folder, env: { ...process.env, MLFLOW_TRACKING_URI: server.url } });
  const cli = (...args: string[]) =>
    run(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...args], {
      env: { ...process.env, MILLRACE_URL: server.url },
    });
  const invoke = async (endpoint: string, body: object) => {
    const response = await fetch(`${server.serveUrl}/endpoints/${endpoint}/invocations`, {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    });
    return { status: response.status, json: (await response.json()) as Record<string, unknown> };
  };
  const manifestOf = async (endpoint: string) => {
    const { arms } = (await (await fetch(`${server.url}/api/v1/endpoints/${endpoint}`)).json()) as {
      arms: { packageDigest: string }[];
    };
    const blob = await fetch(`${server.url}/api/v1/blobs/${arms[0]?.packageDigest}`);
    return packageManifestSchema.parse(await blob.json());
  };

  const deployed = await cli('deploy', 'code', '1', '--reason', 'it has no ONNX form');
  assert.match(`${deployed.stdout}${deployed.stderr}`, /Packaged to run as python\./);
  assert.equal((await manifestOf('code')).runtime.kind, 'python');
  const rows = { columns: ['word'], data: [['x'], ['süd']] };
  assert.deepEqual((await invoke('code', { dataframe_split: rows })).json.predictions, ['X', 'SÜD']);
  const withParams = { dataframe_split: rows, params: { suffix: '!' } };
  assert.deepEqual((await invoke('code', withParams)).json.predictions, ['X!', 'SÜD!']);

  const poisoned = invoke('code', { dataframe_records: [{ word: 'exit' }] });
  const others = await Promise.all(
    Array.from({ length: 30 }, (_, i) => invoke('code', { dataframe_records: [{ word: `w${i}` }] })),
  );
  assert.deepEqual(
    others.map(({ json }) => json.predictions),
    Array.from({ length: 30 }, (_, i) => [`W${i}`]),
  );
  const crashed = await poisoned;
  assert.equal(crashed.status, 500);
  assert.match(String(crashed.json.message), /two workers of version .* of code ended with this request/);

  await cli('deploy', 'forest', '1', '--runtime', 'python', '--reason', 'as it is');
  const manifest = await manifestOf('forest');
  assert.equal(manifest.runtime.kind, 'python');
  const example = { dataframe_records: manifest.sample };
  const asPython = (await invoke('forest', example)).json.predictions;
  await cli('deploy', 'forest', '1', '--endpoint', 'again', '--runtime', 'python', '--reason', 'as it is');
  await assert.rejects(
    cli('deploy', 'forest', '1', '--endpoint', 'other', '--runtime', 'onnx', '--reason', 'x'),
    /was packaged to run as python, not as onnx/,
  );
  const oip = await fetch(`${server.serveUrl}/v2/models/forest/infer`, {
    method: 'POST',
    body: JSON.stringify({
      inputs: manifest.signature.inputs.map(({ name }) => ({
        name,
        datatype: 'FP64',
        shape: [manifest.sample.length, 1],
        data: manifest.sample.map((row) => row[name]),
      })),
    }),
  });
  const { outputs } = (await oip.json()) as { outputs: { name: string; shape: number[]; data: number[] }[] };
  assert.deepEqual(
    outputs.map(({ name, shape }) => [name, shape]),
    [
      ['label', [manifest.sample.length]],
      ['probability', [manifest.sample.length, 2]],
    ],
  );
  assert.deepEqual(outputs[0]?.data, asPython);
});

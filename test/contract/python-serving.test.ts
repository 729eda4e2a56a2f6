import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { packageManifestSchema } from '../../src/core/model-package.ts';
import { startServer } from '../support/server.ts';

/** A request to the model without a signature, and how MLflow's own scoring server answers it. */
interface GivenCase {
  readonly body: unknown;
  readonly type: string;
  readonly status: number;
  readonly json: Readonly<Record<string, unknown>>;
}

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
    const code = response.headers.get('x-millrace-error');
    return { status: response.status, code, json: (await response.json()) as Record<string, unknown> };
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

  // Over the Open Inference Protocol they are parameters of the request, as MLServer has it.
  const inferred = (parameters: object) =>
    fetch(`${server.serveUrl}/v2/models/code/infer`, {
      method: 'POST',
      body: JSON.stringify({
        inputs: [{ name: 'word', shape: [1], datatype: 'BYTES', data: ['x'] }],
        parameters: { ...parameters, other: 1 },
      }),
    });
  const asked = (await (await inferred({ suffix: '?' })).json()) as { outputs: { data: unknown }[] };
  assert.deepEqual(asked.outputs[0]?.data, ['X?']);
  assert.equal((await inferred({ suffix: 1 })).headers.get('x-millrace-error'), 'param_invalid');

  // What its code throws is 400 here, as MLflow has it, and 500 elsewhere; by its code it is the same in both.
  const raised = await invoke('code', { dataframe_records: [{ word: 'raise' }] });
  assert.deepEqual([raised.status, raised.code], [400, 'inference_failed']);
  assert.match(String(raised.json.message), /^version .* of code failed on this input: ValueError\. /);
  const overOip = { inputs: [{ name: 'word', shape: [1], datatype: 'BYTES', data: ['raise'] }] };
  const failed = await fetch(`${server.serveUrl}/v2/models/code/infer`, {
    method: 'POST',
    body: JSON.stringify(overOip),
  });
  assert.deepEqual([failed.status, failed.headers.get('x-millrace-error')], [500, 'inference_failed']);

  // An answer with other rows is given back as it is where rows have no names of their own; the log has no outputs of it.
  const some = await invoke('code', { dataframe_records: [{ word: 'drop' }, { word: 'stay' }] });
  assert.deepEqual([some.status, some.json], [200, { predictions: ['STAY'] }]);
  const dropped = { inputs: [{ name: 'word', shape: [2], datatype: 'BYTES', data: ['drop', 'stay'] }] };
  const refused = await fetch(`${server.serveUrl}/v2/models/code/infer`, {
    method: 'POST',
    body: JSON.stringify(dropped),
  });
  assert.equal(refused.status, 500);
  assert.match(await refused.text(), /OtherRows: the model gave 1 rows as \\"output\\" for 2 rows/);

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
  assert.match(String(crashed.json.message), /a worker of version .* of code ended with this request/);

  await cli('deploy', 'agent', '1', '--reason', 'it answers in pieces');
  const { signature } = await manifestOf('agent');
  assert.deepEqual(
    signature.inputs.map(({ name, type, json, required }) => [name, type, json, required]),
    [
      ['messages', 'string', true, true],
      ['context', 'string', true, false],
      ['custom_inputs', 'string', true, false],
      ['stream', 'string', true, false],
    ],
  );
  const chat = { messages: [{ role: 'user', content: 'one two' }], custom_inputs: { n: [1, null] } };
  const said = (content: string) => ({ role: 'assistant', content, id: '1' });
  assert.deepEqual((await invoke('agent', chat)).json, {
    messages: [said('two one ')],
    custom_outputs: { n: [1, null] },
  });
  const without = await invoke('agent', { messages: [{ content: 'no role' }] });
  assert.equal(without.status, 400);
  assert.match(String(without.json.message), /^the model refuses the input: its values are not what/);
  const broken = await fetch(`${server.serveUrl}/v2/models/agent/generate`, {
    method: 'POST',
    body: JSON.stringify({ messages: '[1' }),
  });
  assert.equal(broken.status, 400);
  assert.match(await broken.text(), /\\"messages\\" is a text; expected a text of JSON/);
  const streamed = await fetch(`${server.serveUrl}/endpoints/agent/invocations`, {
    method: 'POST',
    body: JSON.stringify({ ...chat, stream: true }),
    headers: { 'content-type': 'application/json' },
  });
  const events = (await streamed.text()).split('\n\n').map((event) => event.replace('data: ', ''));
  assert.deepEqual(events.slice(2), ['[DONE]', '']);
  assert.deepEqual(
    events.slice(0, 2).map((event) => JSON.parse(event)),
    [{ delta: said('two ') }, { delta: said('one ') }],
  );

  await cli('deploy', 'given', '1', '--reason', 'it has no signature');
  const cases = JSON.parse(await readFile(join(folder, 'given.json'), 'utf8')) as GivenCase[];
  assert.ok(cases.length > 15);
  for (const { body, type, status, json } of cases) {
    const response = await fetch(`${server.serveUrl}/endpoints/given/invocations`, {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers: { 'content-type': type },
    });
    const answer = (await response.json()) as Record<string, unknown>;
    const told = `${JSON.stringify(body)}: ${JSON.stringify(answer)}, MLflow ${status} ${JSON.stringify(json)}`;
    assert.equal(response.status, status, told);
    for (const [name, value] of Object.entries(json)) assert.deepEqual(answer[name], value, told);
  }
  const tensors = await fetch(`${server.serveUrl}/v2/models/given/infer`, {
    method: 'POST',
    body: JSON.stringify({
      id: 'of-tensors',
      inputs: [{ name: 'any', datatype: 'INT16', shape: [2, 2], data: [1, 2, 3, 4] }],
    }),
  });
  const doubled = (await tensors.json()) as Record<string, unknown>;
  assert.equal(doubled.id, 'of-tensors');
  assert.deepEqual(doubled.outputs, [
    { name: 'output', datatype: 'INT16', shape: [2, 2], data: [2, 4, 6, 8] },
  ]);

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

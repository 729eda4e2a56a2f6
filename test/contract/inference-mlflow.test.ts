import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ColumnType } from '../../src/core/model-package.ts';
import { readMlmodel } from '../../src/lifecycle/serving/packaging/read-mlmodel.ts';
import { logisticOnnx, logisticPackage } from '../../src/platform/onnx/testing.ts';
import { freePorts } from '../support/ports.ts';
import { startTestServing, storePackage, tableOf, testRoute } from '../support/serving.ts';

const python = fileURLToPath(new URL('../../.venv/bin/python', import.meta.url));
const skip = existsSync(python) ? false : 'needs the Python environment (make python)';

const row = { x1: 1.5, x2: 0.5, n: 3, i: 4, s: 'a', b: true, o: 1.5, r: 2.5 };
type Row = Record<string, unknown>;
const names = Object.keys(row);
const records = (...rows: Row[]) => ({ dataframe_records: rows.map((r) => ({ ...row, ...r })) });
const without = (name: string) => {
  const { [name]: _, ...rest } = row as Row;
  return { dataframe_records: [rest] };
};
const columns = (more: Row = {}) => ({
  ...Object.fromEntries(Object.entries(row).map(([name, value]) => [name, [value]])),
  ...more,
});
const header = `${names.join(',')}\n`;
const line = (more: Row = {}) => `${Object.values({ ...row, b: 'True', ...more }).join(',')}\n`;
const json = 'application/json';
const csv = 'text/csv';

/** Requests that MLflow's own server and ours have to answer the same. */
const same: Readonly<Record<string, readonly [body: unknown, contentType?: string]>> = {
  records: [records({}, { x1: -1 })],
  split: [{ dataframe_split: { columns: names, index: [7], data: [Object.values(row)] } }],
  'columns in another order': [
    { dataframe_split: { columns: names.toReversed(), data: [Object.values(row).toReversed()] } },
  ],
  instances: [{ instances: [row, { ...row, x1: -1 }] }],
  'inputs by column': [{ inputs: columns() }],
  'inputs by row': [{ inputs: [row] }],
  'inputs of one row': [{ inputs: row }],
  params: [{ ...records({}), params: { anything: 1 } }],
  'a member that is not known': [{ ...records({}), other: 1 }],
  'an extra column': [records({ extra: 1 })],
  'a missing optional column': [without('o')],
  'an optional column that is null': [records({ o: null })],
  'a column of doubles that is null': [records({ r: null }, { r: 1 })],
  'csv, an empty double': [header + line({ r: '' }), csv],
  'a missing column of doubles': [without('r')],
  'an integer for a double': [records({ x1: 1 })],
  'a number as text': [records({ x1: '1.5' })],
  'a whole number with a fraction of zero': [
    '{"dataframe_records":[{"x1":1.5,"x2":0.5,"n":3.0,"i":4,"s":"a","b":true,"r":1}]}',
  ],
  'an integer as text': [records({ n: '3' })],
  'an integer beyond 2^53': [JSON.stringify(records({})).replace('"n":3', `"n":${2n ** 60n + 1n}`)],
  '1 for true': [records({ b: 1 })],
  'NaN as Python writes it': [JSON.stringify(records({})).replace('"o":1.5', '"o":NaN')],
  'an integer param with a fraction of zero': [
    JSON.stringify({ ...records({}), params: { words: 3.25 } }).replace('3.25', '3.0'),
  ],
  csv: [header + line() + line({ x1: -1 }), csv],
  'csv with a charset': [header + line(), 'text/csv; charset=UTF-8'],
  'csv with quotes': [header + line({ s: '"a, ""b""\nc"' }), csv],
  'csv, an empty optional field': [header + line({ o: '' }), csv],
  'csv, a whole number with a fraction of zero': [header + line({ n: '3.0' }), csv],
  'csv, a text where a number is due': [header + line({ x1: 'one' }), csv],
  'csv, an empty integer': [header + line({ n: '' }), csv],
  'csv, an integer with a fraction': [header + line({ n: '3.5' }), csv],
  'csv with a long row': [`${header}${line().trimEnd()},1,2\n`, csv],
  'csv without anything': ['', csv],
  'a missing column': [without('x1')],
  'a text that is no number': [records({ x1: 'one' })],
  'a null integer': [records({ n: null })],
  'an integer beyond 2^64': [JSON.stringify(records({})).replace('"n":3', '"n":1180591620717411303424')],
  'a text among inputs': [{ inputs: columns({ x1: ['one'] }) }],
  'split with another member': [{ dataframe_split: { data: [[1]], other: 1 } }],
  'split with short rows': [{ dataframe_split: { columns: names, data: [[1, 2]] } }],
  'two forms': [{ instances: [row], inputs: [row] }],
  'no form': [{ rows: [row] }],
  'a list': [[row]],
  'a number': [5],
  'records that are an object': [{ dataframe_records: row }],
  'JSON that is cut off': ['{"dataframe_records": [{"x1": 1'],
  'an empty body': [''],
  'another charset': [records({}), 'application/json; charset=latin-1'],
  'utf8 without its hyphen': [records({}), 'application/json; charset=utf8'],
  'another parameter': [records({}), 'application/json; format=pandas-split'],
  'plain text': [records({}), 'text/plain'],
  'a form': [records({}), 'application/x-www-form-urlencoded'],
};

/** Params that both have to take, or refuse. */
const params: readonly (readonly [value: Row, status: number])[] = [
  [{}, 200],
  [{ unknown: 'x', words: 3 }, 200],
  [
    {
      words: 3,
      small: 3,
      heat: 3,
      style: 'x',
      loud: true,
      since: '2021-01-01',
      stops: ['a'],
      sizes: [1, 2.5],
    },
    200,
  ],
  [{ words: null, style: null, loud: null, stops: [], sizes: [null] }, 200],
  [{ words: 3.5 }, 400],
  [{ words: '3' }, 400],
  [{ words: true }, 400],
  [{ words: [3] }, 400],
  [{ small: 3.5 }, 400],
  [{ heat: '0.5' }, 400],
  [{ heat: false }, 400],
  [{ heat: {} }, 400],
  [{ style: 5 }, 400],
  [{ loud: 1 }, 400],
  [{ loud: 'true' }, 400],
  [{ since: 'yesterday' }, 400],
  [{ since: 5 }, 400],
  [{ stops: 'a' }, 400],
  [{ stops: [1] }, 400],
  [{ stops: [['a']] }, 400],
  [{ stops: null }, 400],
  [{ sizes: ['1'] }, 400],
];

/** Requests that MLflow's server takes, or takes otherwise, and why ours does not. */
const stricter: Readonly<Record<string, readonly [body: unknown, why: RegExp]>> = {
  'a fraction is not cut off': [
    records({ n: 3.5 }),
    /input "n" is a number that does not fit; expected an integer/,
  ],
  'an integer of 32 bits does not overflow': [records({ i: 2 ** 40 }), /input "i" .*an integer of 32 bits/],
  'true is not 1': [records({ x1: true }), /input "x1" is a boolean; expected a number/],
  'a number is not a text': [records({ s: 5 }), /input "s" is a number that does not fit; expected a string/],
  'null is not false': [records({ b: null }), /input "b" is missing; expected true or false/],
  'a null where the model was seen not to take one': [
    records({ x1: null }),
    /input "x1" is missing; expected a number/,
  ],
};

/** Ours on one side, `mlflow models serve` on the other: the same model by the same signature. */
async function serveBoth(t: TestContext) {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-mlflow-'));
  const model = join(directory, 'model');
  await promisify(execFile)(python, [join(import.meta.dirname, 'inference_mlflow_model.py'), model]);
  const [port] = await freePorts(1);
  const args = ['-m', 'mlflow', 'models', 'serve', '-m', model, '-p', String(port), '--env-manager', 'local'];
  const env = { ...process.env, PATH: `${dirname(python)}:${process.env.PATH}` };
  const child = spawn(python, args, { env, stdio: 'ignore', detached: true });
  t.after(async () => {
    const gone = new Promise((resolve) => child.once('exit', resolve));
    if (child.exitCode === null) {
      process.kill(-(child.pid as number), 'SIGKILL');
      await gone;
    }
    await rm(directory, { recursive: true });
  });
  const theirs = `http://127.0.0.1:${port}`;
  while (!(await fetch(`${theirs}/ping`).catch(() => null))?.ok) {
    assert.equal(child.exitCode, null, 'mlflow models serve ended');
    await new Promise((resolve) => setTimeout(resolve, 200));
  }

  const signature = readMlmodel(await readFile(join(model, 'MLmodel'), 'utf8'));
  assert.equal(signature.params?.length, 8);
  const serving = await startTestServing(t);
  const pkg = logisticPackage();
  const types: Record<string, ColumnType> = {
    x1: 'double',
    x2: 'float',
    n: 'long',
    i: 'integer',
    s: 'string',
    b: 'boolean',
    o: 'double',
    r: 'double',
  };
  const inputs = Object.entries(types).map(([name, type]) => ({
    name,
    type,
    required: name !== 'o',
    shape: [],
    // As packaging finds it of a model that does without a value.
    nullable: name === 'r',
  }));
  const digest = await storePackage(serving.blobs, logisticOnnx(), {
    ...pkg,
    signature: { ...pkg.signature, inputs, params: [...(signature.params ?? [])] },
    primary: 'label',
  });
  await serving.replica.applyRoutes(tableOf(testRoute(digest)));
  return { theirs, ours: serving.url };
}

async function ask(url: string, body: unknown, contentType = json) {
  const response = await fetch(`${url}/invocations`, {
    method: 'POST',
    headers: { 'content-type': contentType },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await response.text();
  const [type] = (response.headers.get('content-type') ?? '').split(';');
  return { status: response.status, type, value: type === json ? (JSON.parse(text) as Row) : { text } };
}

test('scoring is answered as by `mlflow models serve`, field by field, but for what would leak or be cut off', {
  skip,
}, async (t) => {
  const { ours, theirs } = await serveBoth(t);
  for (const [name, [body, contentType]] of Object.entries(same)) {
    const [our, their] = await Promise.all([ask(ours, body, contentType), ask(theirs, body, contentType)]);
    const told = `${name}: ours ${JSON.stringify(our)}, theirs ${JSON.stringify(their).slice(0, 300)}`;
    assert.deepEqual([our.status, our.type], [their.status, their.type], told);
    assert.deepEqual(our.value.predictions, their.value.predictions, told);
    assert.equal(our.value.error_code, their.value.error_code, told);
    assert.equal(typeof our.value.message, typeof their.value.message, told);
  }
  for (const [given, status] of params) {
    const body = { ...records({}), params: given };
    const [our, their] = await Promise.all([ask(ours, body), ask(theirs, body)]);
    const told = `${JSON.stringify(given)}: ours ${JSON.stringify(our)}, theirs ${JSON.stringify(their).slice(0, 300)}`;
    assert.deepEqual([our.status, their.status], [status, status], told);
    assert.equal(our.value.error_code, their.value.error_code, told);
    if (status === 400)
      assert.match(String(our.value.message), new RegExp(`^param "${Object.keys(given)[0]}" is `));
  }
  for (const [name, [body, why]] of Object.entries(stricter)) {
    const [our, their] = await Promise.all([ask(ours, body), ask(theirs, body)]);
    assert.equal(their.status, 200, `${name}: theirs ${JSON.stringify(their).slice(0, 300)}`);
    assert.equal(our.status, 400, name);
    assert.match(String((our.value as Row).message), why, name);
  }
  for (const path of ['/ping', '/health']) {
    const [our, their] = await Promise.all([fetch(ours + path), fetch(theirs + path)]);
    assert.deepEqual([our.status, await our.text()], [their.status, await their.text()]);
  }
  assert.match(await (await fetch(`${ours}/version`)).text(), /^\d+\.\d+\.\d+/);

  // Errors tell nothing of the payload or of the other columns, which theirs do.
  const secret = records({ x1: 'top secret', s: 'very private' });
  const leak = await ask(theirs, secret);
  assert.match(JSON.stringify(leak.value), /top secret/);
  const missing = { dataframe_records: [{ s: 'very private' }] };
  for (const body of [secret, missing, `{"instances": ["very private", top secret]}`]) {
    const { status, value } = await ask(ours, body);
    assert.equal(status, 400);
    assert.doesNotMatch(JSON.stringify(value), /secret|private|"x2"|"n"/);
  }
});

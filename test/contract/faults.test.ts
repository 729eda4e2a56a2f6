import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { digestOf } from '../../src/core/json.ts';
import { logisticOnnx } from '../../src/platform/onnx/testing.ts';
import { freePorts } from '../support/ports.ts';
import { FaultyServer } from './faults/faulty-server.ts';

/** Bad input and faults against a running server: each gives one message that names the thing, and a next step. */

let faulty: FaultyServer;
const cleanups: (() => void | Promise<void>)[] = [];

before(async () => {
  faulty = await FaultyServer.start({ after: (fn) => void cleanups.unshift(fn) });
  await faulty.registerRows();
});

after(async () => {
  for (const cleanup of cleanups) await cleanup();
});

test('a taken port is named, with the setting that changes it', async () => {
  const port = new URL(faulty.server.url).port;
  const MILLRACE_DATA = join(faulty.folder, 'other-data');
  const ended = await faulty.refusedStart(['control'], { MILLRACE_PORT: port, MILLRACE_DATA });
  assert.equal(ended.exitCode, 78);
  assert.equal(ended.code, 'port_taken');
  assert.match(ended.message, new RegExp(`port ${port} on 127\\.0\\.0\\.1 is taken`));
  assert.match(ended.message, /--port or MILLRACE_PORT/);
});

test('a second control on the same data directory is told who holds it', async () => {
  const [port] = await freePorts(1);
  const { dataDirectory } = faulty.server;
  const ended = await faulty.refusedStart(['control', '--data', dataDirectory, `--port=${port}`], {});
  assert.equal(ended.exitCode, 78);
  assert.equal(ended.code, 'data_locked');
  const pid = (await readFile(join(dataDirectory, 'control.pid'), 'utf8')).trim().split(/\s/)[0];
  assert.ok(ended.message.includes(`${dataDirectory} is held by process ${pid}`), ended.message);
  assert.match(ended.message, /--data or MILLRACE_DATA/);
});

test('an unknown setting, and a value that fits none, are named where they were written', async () => {
  const config = join(faulty.folder, 'millrace.yaml');
  await writeFile(config, 'servePrt: 7601\n');
  const cases: readonly [readonly string[], Record<string, string>, RegExp][] = [
    [['serve', '--prot', '1'], {}, /setting --prot: is not a flag; the nearest is --port\. /],
    [['control', '--port'], {}, /setting --port: needs a value/],
    [['control'], { MILLRACE_PORT: '70000' }, /setting MILLRACE_PORT: "70000"/],
    [
      ['work'],
      { MILLRACE_CONFIG: config },
      /setting .*servePrt.*: is not a setting; the nearest is servePort/,
    ],
    [['control', '--config', '/nowhere.yaml'], {}, /setting \/nowhere\.yaml: cannot be read/],
  ];
  const ended = await Promise.all(cases.map(([args, env]) => faulty.refusedStart(args, env)));
  for (const [i, { exitCode, code, message }] of ended.entries()) {
    assert.equal(exitCode, 78, message);
    assert.equal(code, 'config_invalid');
    assert.match(message, cases[i]![2]);
    assert.match(message, /Correct it in the flag, environment variable or config file named/);
  }
});

test('requests that are written wrong are refused with the field named', async () => {
  const invalid = (detail: RegExp) => ({ status: 400, code: 'invalid_input', detail });
  await faulty.refused(invalid(/^body: .*JSON/), '/api/v1/loops', '{"text": ');
  await faulty.refused(invalid(/^body: unknown key "txt"; did you mean "text"/), '/api/v1/loops', {
    text: 'a',
    txt: 'b',
  });
  await faulty.refused(invalid(/^body\.text: expected text, not 7/), '/api/v1/loops', { text: 7 });
  await faulty.refused(invalid(/^query\.limit: /), '/api/v1/jobs?limit=0');
  await faulty.refused(
    { status: 400, code: 'invalid_page_token', detail: /after: "x" is not a page token/ },
    '/api/v1/audit-entries?after=x',
  );
  await faulty.refused(
    { status: 400, code: 'invalid_time', detail: /from: "noon" is not a time/, next: /RFC 3339/ },
    '/api/v1/audit-entries?from=noon',
  );
  await faulty.refused(
    { status: 404, code: 'route_not_found', detail: /GET \/api\/v1\/lops is not an address/ },
    '/api/v1/lops',
  );
  await faulty.refused(
    { status: 404, code: 'not_found', detail: /loop "never" does not exist/, next: /\/api\/v1\/loops/ },
    '/api/v1/loops/never',
  );
});

test('a blob whose bytes differ from its digest is not kept', async () => {
  const digest = digestOf('what was meant');
  const path = `/api/v1/blobs/${digest}`;
  const corrupt = { status: 422, code: 'blob_corrupt', detail: new RegExp(`not ${digest}`) };
  await faulty.refused(corrupt, path, 'what came', 'PUT');
  await faulty.refused({ status: 404, code: 'blob_missing', detail: new RegExp(digest) }, path);
  const wrong = { status: 400, code: 'invalid_input', detail: /^path\.digest: must be sha256:/ };
  await faulty.refused(wrong, '/api/v1/blobs/md5:1', 'x', 'PUT');
});

test('data that cannot be registered are named: file, format, column', async () => {
  const register = (source: object, roles: object = {}) => ({ dataset: 'bad', source, ...roles });
  const path = '/api/v1/dataset-versions';
  const rows = { path: join(faulty.folder, 'rows.csv') };
  await writeFile(join(faulty.folder, 'noise.parquet'), 'PAR1 and then noise');
  await writeFile(join(faulty.folder, 'empty.csv'), 'a,b\n');
  await mkdir(join(faulty.folder, 'folder.csv'));
  const unreadable = (detail: RegExp) => ({ status: 422, code: 'dataset_unreadable', detail });
  const at = (name: string) => ({ path: join(faulty.folder, name) });
  await faulty.refused(unreadable(/nowhere\.csv cannot be read/), path, register(at('nowhere.csv')));
  await faulty.refused(unreadable(/folder\.csv cannot be read/), path, register(at('folder.csv')));
  await faulty.refused(
    unreadable(/noise\.parquet cannot be read as parquet/),
    path,
    register(at('noise.parquet')),
  );
  await faulty.refused(
    { status: 422, code: 'dataset_empty', detail: /empty\.csv has no rows/ },
    path,
    register(at('empty.csv')),
  );
  await faulty.refused(
    { status: 422, code: 'column_unknown', detail: /^label: dataset "bad" has no column "lat".*"late"/ },
    path,
    register(rows, { label: 'lat' }),
  );
  await faulty.refused(
    {
      status: 422,
      code: 'column_type',
      detail: /^time: column "id" of dataset "bad" holds VARCHAR, expected a timestamp/,
    },
    path,
    register(rows, { time: 'id' }),
  );
  const digest = digestOf('never sent');
  await faulty.refused(
    { status: 404, code: 'blob_missing', detail: new RegExp(digest) },
    path,
    register({ digest }),
  );
  const { items } = await faulty.get<{ items: unknown[] }>('/api/v1/dataset-versions?dataset=bad');
  assert.deepEqual(items, [], 'nothing of it was kept');
});

const loopFile = `loop: wrong
data:
  source: dataset:rows
  time: date
  entity: id
  label: { column: late, positive: "1", delay: 6h }
train:
  run: python train.py
evaluate:
  gates:
    - { metric: auc, min: 0.6 }
`;

test('a loop file is refused with the line, the key and what to write instead', async () => {
  const cases: readonly [(text: string) => string, RegExp][] = [
    [
      (text) => text.replace('entity:', 'entitty:'),
      /^loop\.yaml:5: data\.entitty: unknown key; did you mean "entity"\?$/m,
    ],
    [
      (text) => text.replace('6h', '6 flights'),
      /^loop\.yaml:6: data\.label\.delay: "6 flights" is not a duration; .*6h/m,
    ],
    [(text) => text.replace('metric: auc', 'metric: acu'), /^loop\.yaml:11: .*unknown metric "acu"; .*auc/m],
    [
      (text) => text.replace('column: late', 'column: lat'),
      /^loop\.yaml:6: data\.label\.column: column "lat" is not in dataset rows version 1; did you mean "late"\?/m,
    ],
    [
      (text) => text.replace('"1"', '"yes"'),
      /^loop\.yaml:6: data\.label\.positive: "yes" is no value of column "late"/m,
    ],
    [
      (text) => text.replace('dataset:rows', 'dataset:rosw'),
      /^loop\.yaml:3: data\.source: dataset rosw is not registered/m,
    ],
    [(text) => text.replace('  run: python train.py\n', '  run: [python\n'), /^loop\.yaml:\d+: /m],
  ];
  for (const [change, detail] of cases) {
    const fault = { status: 400, code: 'loop_file_invalid', detail, next: /version in force is unchanged/ };
    await faulty.refused(fault, '/api/v1/loops', { text: change(loopFile) });
  }
  const files = [{ path: 'train.py', digest: digestOf('never sent') }];
  const missing = {
    status: 400,
    code: 'loop_blob_missing',
    detail: /file train\.py \(sha256:.*\) was not uploaded/,
  };
  await faulty.refused(missing, '/api/v1/loops', { text: loopFile, files });
  const { items } = await faulty.get<{ items: { name: string }[] }>('/api/v1/loops');
  assert.ok(!items.some((loop) => loop.name === 'wrong'), 'nothing of it is in force');
});

const trainCommand = `"${process.execPath}" train.ts`;

/** A script that logs a good model of the columns x1 and x2, whatever signature it is told to give it. */
async function trainCode() {
  const script = await readFile(join(import.meta.dirname, 'faults/train.ts'));
  return { 'train.ts': script, 'model.onnx': logisticOnnx() };
}

test('a training script that fails, hangs, logs no model or has no Python: a failed turn that can go on', async () => {
  const script = (text: string) => ({ 'script.ts': text });
  const node = `"${process.execPath}" script.ts`;
  await faulty.apply('failing', node, script("console.error('the feed is empty'); process.exit(3);"));
  await faulty.apply('hanging', node, script('setInterval(() => {}, 1000);'), '1s');
  await faulty.apply('modelless', node, script('console.log("done");'));
  await faulty.apply('pythonless', 'python train.py', { 'train.py': '' });
  await Promise.all([
    faulty.turnFails(
      'failing',
      'training',
      'train_script_failed',
      /script\.ts" ended with exit code 3: the feed is empty/,
    ),
    faulty.turnFails('hanging', 'training', 'step_timed_out', /the train step was stopped after 1 s/),
    faulty.turnFails('modelless', 'training', 'train_no_model', /logged no model \(runs: none\)/),
    faulty.turnFails(
      'pythonless',
      'training',
      'train_python_missing',
      /train\.run needs "\/nowhere\/python"/,
    ),
  ]);
  assert.equal((await faulty.ended('modelless')).state, 'failed', 'the same script again');
  await faulty.apply('modelless', `${trainCommand} x1:double x2:double`, await trainCode());
  const turn = await faulty.ended('modelless', 2);
  assert.equal(turn.state, 'promoted', `the corrected script: ${turn.reason}`);
});

test('a model that does not fit the data is refused before it is judged', async () => {
  await faulty.apply('unfit', `${trainCommand} x1:double x3:double`, await trainCode());
  await faulty.turnFails(
    'unfit',
    'packaging',
    'package_refused',
    /input "x3" is not a column of dataset "rows" \(id, date, x1, x2, late\)/,
  );
});

test('a label for an unknown endpoint is refused, one for an unknown prediction waits and is told of', async () => {
  const label = { predictionId: 'never-made', value: 1, eventTime: '2001-01-02T00:00:00Z' };
  const unknown = { status: 404, code: 'not_found', detail: /endpoint "never" does not exist/ };
  await faulty.refused(unknown, '/api/v1/labels', { endpoint: 'never', labels: [label] });
  const wrong = { status: 400, code: 'invalid_input', detail: /^body\.labels\[0\]\.eventTime: / };
  await faulty.refused(wrong, '/api/v1/labels', {
    endpoint: 'failing',
    labels: [{ ...label, eventTime: 'noon' }],
  });
  const { status } = await faulty.send('/api/v1/labels', { endpoint: 'failing', labels: [label] });
  assert.equal(status, 200);
  const summary = await faulty.get<{
    total: { orphans: number };
    orphanExamples: { predictionId: string }[];
    advice: string;
  }>('/api/v1/labels/summary?endpoint=failing');
  assert.equal(summary.total.orphans, 1);
  assert.equal(summary.orphanExamples[0]?.predictionId, 'never-made');
  assert.match(summary.advice, /1 labelled id is in no prediction of "failing"/);
});

test('predictions with missing, extra, wrong-typed or NaN inputs are refused by name; values never seen are answered', async () => {
  await faulty.apply('good', `${trainCommand} x1:double x2:double`, await trainCode());
  const turn = await faulty.ended('good');
  assert.equal(turn.state, 'promoted', turn.reason);

  const input = (name: string, data: unknown, datatype = 'FP64') => ({
    name,
    datatype,
    shape: [1],
    data: [data],
  });
  const infer = async (inputs: unknown, endpoint = 'good') =>
    faulty.send(
      `/v2/models/${endpoint}/infer`,
      typeof inputs === 'string' ? inputs : { inputs },
      'POST',
      faulty.server.serveUrl,
    );
  const good = [input('x1', 0.5), input('x2', -0.5)];
  assert.equal((await infer(good)).status, 200);
  const cases: readonly [unknown, RegExp][] = [
    [[good[0]], /input "x2" is missing; expected .*GET \/v2\/models\/good lists/],
    [[...good, input('x9', 1)], /input "x9" is not in the signature/],
    [
      [good[0], input('x2', 'far', 'BYTES')],
      /input "x2" has datatype BYTES; model "good" expects a datatype of numbers/,
    ],
    [[good[0], input('x2', null)], /input "x2" is missing; expected a number/],
    // What was sent is not told back: an error is not to give away what it may not show.
    [[good[0], input('x2', 'NaN')], /input "x2" is a text; expected a number/],
    ['{"inputs": [', /JSON/],
  ];
  for (const [inputs, message] of cases) {
    const { status, answer } = await infer(inputs);
    assert.equal(status, 400, JSON.stringify(answer));
    assert.match(String(answer.error), message);
  }
  const unknown = await infer(good, 'never');
  assert.equal(unknown.status, 404);
  assert.match(String(unknown.answer.error), /'never' is not found.*List the endpoints/);
  assert.equal((await infer([input('x1', 1e6), good[1]])).status, 200, 'out of the range that was seen');
  assert.equal((await infer(good)).status, 200, 'and it goes on');
});

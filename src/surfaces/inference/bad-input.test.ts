import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import {
  startTestServing,
  storePackage,
  tableOf,
  testRoute,
  unshippedRows,
} from '../../../test/support/serving.ts';
import { createRng } from '../../core/rng.ts';
import { logisticOnnx, logisticPackage } from '../../platform/onnx/testing.ts';
import { chooseEncoding } from './http/content-encoding.ts';
import { parseExactJson, parseJson } from './http/json-body.ts';
import { classify } from './oip/classification.ts';
import { castColumns } from './scoring/casts.ts';
import { scoringContent } from './scoring/content.ts';
import { readCsvTable } from './scoring/csv.ts';
import { inputsByPlace } from './scoring/inputs-by-place.ts';
import { ServerSettings } from './server-settings.ts';

async function serve(t: TestContext) {
  const serving = await startTestServing(t);
  const digest = await storePackage(serving.blobs, logisticOnnx(), logisticPackage());
  await serving.replica.applyRoutes(tableOf(testRoute(digest)));
  return serving;
}

const infer = {
  id: 'fuzz',
  inputs: ['x1', 'x2'].map((name) => ({ name, datatype: 'FP64', shape: [2, 1], data: [0.5, -1.25] })),
  outputs: [{ name: 'label' }, { name: 'probability', parameters: { classification: 1 } }],
  parameters: { entity: 'e', event_time: '2001-02-03T00:00:00Z' },
};
const scoring = {
  dataframe_split: {
    columns: ['x1', 'x2'],
    data: [
      [0.5, 1],
      [-1, 2],
    ],
  },
  params: { entities: ['a', 'b'], event_times: [1, 2] },
};
const junk = [
  null,
  -1,
  1e308,
  2 ** 53,
  '',
  'x',
  '\u0000',
  true,
  [],
  {},
  [[]],
  [null],
  { name: 1 },
  'NaN',
  0.5,
];

/** Puts something else in the place of one value, wherever it is. */
function mutate(value: unknown, rng: ReturnType<typeof createRng>): unknown {
  if (typeof value !== 'object' || value === null || rng.next() < 0.15) return junk[rng.int(junk.length)];
  const entries = Object.entries(value);
  if (entries.length === 0) return junk[rng.int(junk.length)];
  const at = rng.int(entries.length);
  const changed = entries.flatMap(([key, item], i): [string, unknown][] => {
    if (i !== at) return [[key, item]];
    return rng.next() < 0.15 ? [] : [[key, mutate(item, rng)]];
  });
  return Array.isArray(value) ? changed.map(([, item]) => item) : Object.fromEntries(changed);
}

test('fuzz: bodies with something else in one place are answered or refused, and each is in the log', async (t) => {
  const { post, directory } = await serve(t);
  const rng = createRng(4242);
  const paths = ['/v2/models/test/infer', '/invocations', '/v1/models/test:predict'];
  const bodies = [infer, scoring, { instances: [{ x1: 1, x2: 2 }] }];
  let [answered, refused] = [0, 0];
  for (let round = 0; round < 400; round++) {
    const i = round % 3;
    const body = mutate(bodies[i], rng);
    const { status, json } = await post(paths[i] as string, body);
    const told = `${JSON.stringify(body)} → ${status} ${JSON.stringify(json)}`;
    assert.ok(status === 200 || status === 400, told);
    if (status === 200) answered++;
    else {
      refused++;
      assert.ok(typeof (json.error ?? json.message) === 'string', told);
    }
  }
  assert.ok(answered > 40 && refused > 150, `${answered} answered, ${refused} refused`);
  const rows = await unshippedRows(directory, 'test');
  const failed = new Set(rows.filter((r) => r.status !== 'ok').map((r) => r.received_at_ms));
  assert.ok(failed.size > 0 && rows.filter((r) => r.status !== 'ok').length >= refused);
});

test('lists nested without end, too many rows, names twice, wrong members and regions of shared memory are refused', async (t) => {
  const { post, url } = await serve(t);
  const deep = `${'['.repeat(200_000)}1${']'.repeat(200_000)}`;
  const inputs = (data: string, shape = '2, 1', datatype = 'FP64') =>
    `{"inputs": [{"name": "x1", "datatype": "${datatype}", "shape": [${shape}], "data": [${data}]}]}`;
  const split = (data: string) => `{"dataframe_split": {"columns": ["x1", "x2"], "data": [${data}]}}`;
  const many = (value: string, count: number) => value + `,${value}`.repeat(count - 1);
  for (const [path, body, told] of [
    ['/v2/models/test/infer', inputs(deep), /nesting depth exceeds/],
    ['/v2/models/test/infer', inputs(`1, ${deep}`), /is missing/],
    ['/v2/models/test/infer', inputs(many('1', 100_001), '100001, 1'), /100001/],
    ['/v2/models/test/infer', inputs(many('""', 2_000_001), '1, 2000001', 'BYTES'), /2000001 texts/],
    ['/invocations', `{"instances": ${deep}}`, /must be a list of/],
    ['/invocations', split(`[1, ${deep}]`), /x2/],
    ['/invocations', split(many('[1,2]', 100_001)), /100001/],
    ['/invocations', `{"inputs": {"x1": 1, "x2": 1}, "params": {"p": ${deep}}}`, /"p\\?" is nested deeper/],
    ['/v2/models/test/generate', `{"x1": 1, "x2": 1, "p": ${deep}}`, /"p\\?" is nested deeper/],
  ] as const) {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch(`${url}${path}`, { method: 'POST', headers, body });
    assert.equal(response.status, 400, body.slice(0, 60));
    assert.match(await response.text(), told);
  }
  const twice = await post('/v2/models/test/infer', {
    ...infer,
    outputs: [infer.outputs[0], infer.outputs[0]],
  });
  assert.deepEqual(
    [twice.status, /output 'label' already exists/.test(String(twice.json.error))],
    [400, true],
  );
  const [x1, x2] = infer.inputs;
  const again = await post('/v2/models/test/infer', { ...infer, inputs: [x1, x2, x1] });
  assert.deepEqual([again.status, /input 'x1' already exists/.test(String(again.json.error))], [400, true]);

  for (const [wrong, told] of [
    [{ parameters: { timeout: 'x' } }, /parameters\.timeout must be a number of microseconds, 0 for none/],
    [{ parameters: { timeout: -1 } }, /parameters\.timeout must be/],
    [{ parameters: { entity: true } }, /parameters\.entity must be a text or a number/],
    [{ id: false }, /id must be a text or a number/],
  ] as const) {
    const { status, json } = await post('/v2/models/test/infer', { ...infer, ...wrong });
    assert.equal(status, 400);
    assert.match(String(json.error), told);
  }
  for (const timeout of [0, null, 1e12])
    assert.equal((await post('/v2/models/test/infer', { ...infer, parameters: { timeout } })).status, 200);

  const regions = `${url}/v2/systemsharedmemory`;
  assert.deepEqual(await (await fetch(`${regions}/status`)).json(), []);
  assert.equal((await fetch(`${regions}/unregister`, { method: 'POST' })).status, 200);
  assert.equal((await post('/v2/cudasharedmemory/region/r/register', {})).status, 400);
});

test('JSON: words of Python are read outside of texts only, integers keep their digits, errors quote nothing', () => {
  const read = (text: string) => parseJson(Buffer.from(text));
  assert.deepEqual(read('{"a": [NaN, Infinity, -Infinity], "NaN": "Infinity \\" NaN"}'), {
    a: [null, Infinity, -Infinity],
    NaN: 'Infinity " NaN',
  });
  const escaped = String.raw`{"a": ["\ud83d\ude00", "\\ud800"]}`;
  assert.deepEqual(read(escaped), { a: ['\u{1f600}', '\\ud800'] });
  assert.deepEqual(read('\ufeff{"a": "\ufeff"}'), { a: '\ufeff' });
  assert.deepEqual(parseExactJson(Buffer.from('{"a": [9007199254740993, 1e20, 5]}')), {
    a: [9007199254740993n, 1e20, 5],
  });
  for (const [text, message] of [
    ['', /is not JSON: it is empty/],
    ['{"secret": ', /is not JSON: it is cut off/],
    ['{"secret" 1}', /is not JSON: it breaks at character 10/],
    ['{"a": secret}', /^the body is not JSON$/],
    ['[1]', /must be a JSON object/],
    ['null', /must be a JSON object/],
    ['{"a": NaNs}', /^the body is not JSON$/],
    // Of half a surrogate pair another text would be made, and answered.
    [String.raw`{"a": ["\ud800x"]}`, /half of a surrogate pair/],
    [String.raw`{"a": {"\uDC00": 1}}`, /half of a surrogate pair/],
  ] as const) {
    assert.throws(() => read(text), { code: 'request_malformed', message });
  }
});

test('casts lose nothing; what cannot be cast is left to be refused', () => {
  const cast = (type: 'double' | 'long' | 'boolean' | 'string', values: unknown[], shape: number[] = []) => {
    const signature = { inputs: [{ name: 'c', type, required: true, shape }], outputs: [] };
    return castColumns([{ name: 'c', width: 1, data: values }], signature)[0]?.data;
  };
  assert.deepEqual(cast('double', ['1.5', ' -2e3 ', 'one', '', 'NaN', 2n ** 60n, true]), [
    1.5,
    -2000,
    'one',
    null,
    null,
    2 ** 60,
    true,
  ]);
  assert.deepEqual(cast('long', ['3', '3.0', '3.5', '1152921504606846977', '+9007199254740993', 'NA', 3]), [
    3,
    3,
    '3.5',
    1152921504606846977n,
    9007199254740993n,
    null,
    3,
  ]);
  assert.deepEqual(cast('boolean', [1, 0, 'True', 'false', 2, 'yes']), [true, false, true, false, 2, 'yes']);
  assert.deepEqual(cast('string', ['NA', 5, null]), ['NA', 5, null]);
  assert.deepEqual(cast('double', [[['1', 2]], [[3, 4]]], [1, 2]), [1, 2, 3, 4]);
  assert.deepEqual(cast('double', [[1], null], [1]), [[1], null]);
  assert.throws(() => cast('double', [[1], [1, 2]], [1]), {
    message: /row 1 of "c" has 2 values, the first has 1/,
  });
});

test('a table for a model of one tensor without a name: its columns side by side', () => {
  const column = (name: string, ...data: unknown[]) => ({ name, width: 1, data });
  const signature = (name: string, shape: number[]) => ({
    inputs: [{ name, type: 'double' as const, required: true, shape }],
    outputs: [],
  });
  const table = { rowCount: 2, tensors: [column('a', 1, 2), column('entity', 'x', 'y'), column('b', 3, 4)] };
  const joined = inputsByPlace(table, signature('input', [2]));
  assert.deepEqual(
    joined.tensors.map((t) => [t.name, t.data]),
    [
      [
        'input',
        [
          [1, 3],
          [2, 4],
        ],
      ],
      ['entity', ['x', 'y']],
    ],
  );
  assert.deepEqual(castColumns(joined.tensors, signature('input', [2]))[0]?.data, [1, 3, 2, 4]);
  for (const other of [signature('pixels', [2]), signature('input', [3]), signature('input', [])]) {
    assert.equal(inputsByPlace(table, other), table);
  }
});

test('rows of a tensor are nested as its shape is, or flat; else their values would be taken for others', () => {
  const field = { name: 'image', type: 'float' as const, required: true, shape: [2, 3] };
  const cast = (...data: unknown[]) =>
    castColumns([{ name: 'image', width: 1, data }], { inputs: [field], outputs: [] })[0]?.data;
  const rows = [
    [1, 2, 3],
    [4, 5, 6],
  ];
  assert.deepEqual(cast(rows), [1, 2, 3, 4, 5, 6]);
  assert.deepEqual(cast([1, 2, 3, 4, 5, 6]), [1, 2, 3, 4, 5, 6]);
  const turned = [
    [1, 2],
    [3, 4],
    [5, 6],
  ];
  for (const [bad, of] of [
    [[turned], 0],
    [[rows, turned], 1],
    [[[rows]], 0],
  ] as const) {
    const message = new RegExp(`row ${of} of "image" has the shape .*not \\[2, 3\\]`);
    assert.throws(() => cast(...bad), { code: 'request_malformed', message });
  }
});

test('a table for a model whose inputs have no names: its columns by their places', () => {
  const column = (name: string, ...data: unknown[]) => ({ name, width: 1, data });
  const input = (name: string, shape: number[] = []) =>
    ({ name, type: 'string', required: true, shape, unnamed: true }) as const;
  const named = (inputs: ReturnType<typeof input>[], ...tensors: ReturnType<typeof column>[]) =>
    inputsByPlace({ rowCount: 1, tensors }, { inputs, outputs: [] }).tensors.map((t) => [
      t.name,
      ...Array.from(t.data),
    ]);
  assert.deepEqual(named([input('input')], column('entity', 'x'), column('text', 'a')), [
    ['input', 'a'],
    ['entity', 'x'],
  ]);
  assert.deepEqual(named([input('input')], column('input', ['a'])), [['input', 'a']]);
  const two = [input('input_0'), input('input_1')];
  assert.deepEqual(named(two, column('q', 1), column('r', 2), column('s', 3)), [
    ['input_0', 1],
    ['input_1', 2],
  ]);
  assert.deepEqual(named(two, column('q', 1)), [['q', 1]]);
  assert.deepEqual(named([input('input', [2])], column('q', [1, 2])), [['input', [1, 2]]]);
  assert.deepEqual(named([{ ...input('input'), unnamed: undefined as never }], column('q', 1)), [['q', 1]]);
});

test('CSV: quotes, line ends and a byte order mark; what is not a table is refused', async () => {
  const read = async (text: string | Buffer) => {
    const { tensors, rowCount } = await readCsvTable(Buffer.from(text));
    return [rowCount, tensors.map((tensor) => [tensor.name, tensor.data])];
  };
  assert.deepEqual(await read('\ufeffa,"b"\r\n1,"x, ""y""\nz"\r\n,2'), [
    2,
    [
      ['a', ['1', null]],
      ['b', ['x, "y"\nz', '2']],
    ],
  ]);
  for (const [text, message] of [
    ['', /the CSV is empty/],
    ['a,b\n1', /line 2 of the CSV has 1 fields, the header has 2/],
    ['a,a\n1,2', /names a column twice/],
    [Buffer.from([0xff, 0xfe]), /is not UTF-8/],
  ] as const) {
    await assert.rejects(read(text), { code: 'request_malformed', message });
  }
});

test('content types, accepted encodings, settings and classes', () => {
  assert.deepEqual(
    [undefined, '', 'application/json', 'Text/CSV; charset="UTF-8"'].map((type) => scoringContent(type)),
    ['json', 'json', 'json', 'csv'],
  );
  for (const type of [
    'text/plain',
    'application/json; charset=utf-16',
    'text/csv; header=present',
    'constructor',
  ]) {
    assert.throws(() => scoringContent(type), { code: 'content_unsupported' }, type);
  }
  assert.deepEqual(
    ['gzip, deflate, br', 'deflate', 'br;q=0.9, gzip;q=0.1', '*', 'identity', 'gzip;q=0', 'zstd'].map(
      chooseEncoding,
    ),
    ['gzip', 'deflate', 'br', 'gzip', null, null, null],
  );

  const settings = new ServerSettings();
  assert.equal(settings.updateTrace('m', { trace_rate: '7' }).trace_rate, '7');
  assert.equal(settings.trace(null).trace_rate, '1000');
  assert.throws(() => settings.updateTrace(null, { constructor: 1 }), { code: 'request_malformed' });
  assert.throws(() => settings.updateTrace('m', { trace_file: '/etc/x' }), { message: /can not be updated/ });
  assert.throws(() => settings.updateTrace(null, { trace_level: ['TIMESTAMPS', 'X'] }), {
    message: /"trace_level" has "X"; levels are OFF, TIMESTAMPS, TENSORS, MIN, MAX/,
  });
  assert.throws(() => settings.updateTrace(null, { trace_rate: 'often' }), {
    message: /"trace_rate" must be a/,
  });
  assert.throws(() => settings.updateLog({ log_info: 'yes' }), { message: /"log_info" must be a boolean/ });
  for (const level of [-1, 0.5, '1'])
    assert.throws(() => settings.updateLog({ log_verbose_level: level }), {
      message: /whole number, 0 or more/,
    });

  const output = {
    name: 'p',
    type: 'double' as const,
    shape: [2, 3],
    width: 3,
    texts: () => [],
    values: () => [0.2, 0.5, 0.5, Number.NaN, -1, 3],
  };
  const graph = (labels?: string[]) => ({
    inputs: [],
    outputs: [{ name: 'p', type: 'double' as const, shape: [-1, 3], ...(labels && { labels }) }],
  });
  const classes = ['a', 'b', 'c'];
  assert.deepEqual(classify(output, 2, { classes, graph: graph() }).texts, [
    '0.500000:1:b',
    '0.500000:2:c',
    '3.000000:2:c',
    '-1.000000:1:b',
  ]);
  // As in Triton, classes that have no label are told by their number.
  assert.deepEqual(classify(output, 3, { classes, graph: graph(['x', '']) }).texts, [
    '0.500000:1',
    '0.500000:2',
    '0.200000:0:x',
    '3.000000:2',
    '-1.000000:1',
    'NaN:0:x',
  ]);
  assert.deepEqual(classify(output, 9, null).shape, [2, 3]);
  assert.deepEqual(
    classify({ ...output, type: 'int64' as const, values: () => [1, 2n, 3, 4, 5, 6] }, 1, null).texts,
    ['3:2', '6:2'],
  );
  assert.throws(() => classify({ ...output, width: 500_001 }, 1, null), { message: /too large/ });
  assert.throws(() => classify({ ...output, type: 'string' as const }, 1, null), {
    message: /class result not available for output due to unsupported type 'BYTES'/,
  });
});

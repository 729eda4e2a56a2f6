import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import {
  startTestServing,
  storePackage,
  tableOf,
  testRoute,
  unshippedRows,
} from '../../../test/support/serving.ts';
import { canonicalJson } from '../../core/json.ts';
import { identityOnnx, identityPackage, logisticOnnx, logisticPackage } from '../../platform/onnx/testing.ts';

const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));

const column = (name: string, data: unknown[], datatype = 'FP64') => ({
  name,
  datatype,
  shape: [data.length, 1],
  data,
});
const inputs = (x1: unknown[], x2: unknown[]) => [column('x1', x1), column('x2', x2)];

async function logistic(t: TestContext) {
  const serving = await startTestServing(t);
  const contract = await serving.blobs.put(
    canonicalJson({ columns: [{ name: 'x1', required: true, range: { min: 0, max: 1 }, categories: null }] }),
  );
  const digest = await storePackage(serving.blobs, logisticOnnx(), {
    ...logisticPackage(),
    contract: contract.digest,
    sample: [{ x1: 0.5, x2: 0.5 }],
  });
  await serving.replica.applyRoutes(tableOf(testRoute(digest, { entityFeature: 'flight' })));
  return serving;
}

test('OIP: an answer has names, version, id and the probabilities of the formula', async (t) => {
  const { post } = await logistic(t);
  const { status, json } = await post('/v2/models/test/infer', { id: 'a-1', inputs: inputs([0.5], [0.25]) });
  assert.equal(status, 200);
  assert.equal(json.model_name, 'test');
  assert.equal(json.model_version, '1');
  assert.equal(json.id, 'a-1');
  assert.deepEqual(json.parameters, { arm: 'champion', route_version: 1 });
  const [label, probability] = json.outputs as {
    name: string;
    datatype: string;
    shape: number[];
    data: number[];
  }[];
  assert.deepEqual(label, { name: 'label', datatype: 'INT64', shape: [1], data: [1] });
  assert.equal(probability!.datatype, 'FP32');
  assert.deepEqual(probability!.shape, [1, 2]);
  assert.ok(Math.abs(probability!.data[1]! - sigmoid(0.25)) < 1e-7);
});

test('OIP: one tensor with all columns, nested data, wanted outputs and a version in the path', async (t) => {
  const { post } = await logistic(t);
  const { json } = await post('/v2/models/test/versions/1/infer', {
    inputs: [
      {
        name: 'rows',
        datatype: 'FP32',
        shape: [2, 2],
        data: [
          [1, 0],
          [0, 1],
        ],
      },
    ],
    outputs: [{ name: 'label' }],
  });
  assert.deepEqual(json.outputs, [{ name: 'label', datatype: 'INT64', shape: [2], data: [1, 0] }]);
  const wrong = await post('/v2/models/test/infer', {
    inputs: inputs([1], [1]),
    outputs: [{ name: 'logit' }],
  });
  assert.equal(wrong.status, 400);
  assert.match(String(wrong.json.error), /output "logit" does not exist; outputs are label, probability/);
});

test('OIP: each kind of bad input gets one message that names the thing', async (t) => {
  const { post, url } = await logistic(t);
  const cases: [unknown, number, RegExp][] = [
    ['{"inputs": [', 400, /the body is not JSON/],
    ['{"inputs": [NaN]}', 400, /each input must have a "name"/],
    ['{"inputs": [NaNs]}', 400, /^the body is not JSON\. Correct/],
    ['[]', 400, /must be a JSON object/],
    [{}, 400, /"inputs" must be a list/],
    [{ inputs: [column('x1', [1])] }, 400, /input "x2" is missing; expected a number\./],
    [{ inputs: [column('x1', [1]), column('x3', [1])] }, 400, /input "x2" is missing; expected a number\./],
    [
      { inputs: [...inputs([1], [1]), column('x3', [1])] },
      400,
      /input "x3" is not in the signature of the model; expected only its inputs/,
    ],
    [{ inputs: inputs(['one'], [1]) }, 400, /input "x1" is a text; expected a number/],
    [
      { inputs: [{ ...column('x1', [1]), datatype: 'BYTES' }, column('x2', [1])] },
      400,
      /input "x1" has datatype BYTES; model "test" expects a datatype of numbers, or BOOL/,
    ],
    [
      { inputs: [{ name: 'all', shape: [1, 2], datatype: 'BYTES', data: [1, 2] }] },
      400,
      /input "all" has datatype BYTES/,
    ],
    [{ inputs: inputs([null], [1]) }, 400, /input "x1" is missing; expected a number/],
    [{ inputs: inputs([1, true], [1, 1]) }, 400, /input "x1" of row 1 is a boolean; expected a number/],
    [
      { inputs: [{ ...column('x1', [1, 2]), shape: [3, 1] }] },
      400,
      /shape \[3, 1\] is 3 values, "data" has 2/,
    ],
    [{ inputs: [{ ...column('x1', [1]), datatype: 'FP8' }] }, 400, /datatype "FP8" is not a datatype/],
    [
      { inputs: [column('x1', [1, 2]), column('x2', [1])] },
      400,
      /input "x2" has 1 rows, the one before it has 2/,
    ],
    [
      { inputs: inputs([1], [1]), parameters: { event_time: 'yesterday' } },
      400,
      /parameters\.event_time: "…" is not a time/,
    ],
    [
      { inputs: inputs([1], [1]), parameters: { triton_enable_empty_final_response: true } },
      400,
      /parameter "triton_enable_empty_final_response": .* reserved for Triton usage/,
    ],
    // Nanoseconds: no segment of the log could hold it, nor any answer show it.
    [
      { inputs: inputs([1], [1]), parameters: { event_time: 981_000_000_000_000_000 } },
      400,
      /parameters\.event_time: "…" is not a time/,
    ],
  ];
  for (const [body, status, message] of cases) {
    const answer = await post('/v2/models/test/infer', body);
    assert.equal(answer.status, status);
    assert.deepEqual(Object.keys(answer.json), ['error']);
    assert.match(String(answer.json.error), message);
  }
  const unknown = await post('/v2/models/other/infer', { inputs: inputs([1], [1]) });
  assert.equal(unknown.status, 404);
  assert.match(String(unknown.json.error), /^Request for unknown model: 'other' is not found/);
  const version = await post('/v2/models/test/versions/9/infer', { inputs: inputs([1], [1]) });
  assert.equal(version.status, 404);
  assert.match(String(version.json.error), /version 9 is not found\. It serves 1/);
  const encoded = await post('/v2/models/%zz/infer', {});
  assert.equal(encoded.status, 400);
  assert.match(String(encoded.json.error), /%zz/);
  const long = await post('/v2/models/test/infer', { id: 'x'.repeat(300), inputs: inputs([1], [1]) });
  assert.match(String(long.json.error), /a prediction id may have 200 characters, this has 300/);
  const one = JSON.stringify(inputs([1], [1]));
  const latin = Buffer.from(`{"id": "M\u00fcller", "inputs": ${one}}`, 'latin1');
  const altered = await fetch(`${url}/v2/models/test/infer`, { method: 'POST', body: latin });
  assert.match(await altered.text(), /the body is not JSON: it is not UTF-8 text/);
  const idAnswer = (id: string) => post('/v2/models/test/infer', `{"id": ${id}, "inputs": ${one}}`);
  // An id that is not kept as it was sent is one that no label finds.
  assert.equal((await idAnswer('81')).json.id, '81');
  for (const id of ['{}', '["a"]', '9007199254740993', '"\\ud800"'])
    assert.match(String((await idAnswer(id)).json.error), /^id (?:must be|is a number)|holds half/);
});

test('the log has every row, answered or not, with who, when, which arm and the features', async (t) => {
  const { post, directory } = await logistic(t);
  await post('/v2/models/test/infer', {
    id: 'p1',
    inputs: inputs([0.5, 2], [0.25, 0]),
    parameters: { entity: 'UA1', event_time: '2001-02-01T00:00:00Z' },
  });
  await post(
    '/v2/models/test/infer',
    { id: 'p2', inputs: inputs(['one'], [1]) },
    { 'x-millrace-event-time': '981000000000' },
  );
  await post('/v2/models/test/infer', {
    id: 'p3',
    inputs: [...inputs([0.5], [0.5]), column('flight', ['UA2'], 'BYTES')],
  });
  await post('/v2/models/test/infer', 'rubbish', { 'content-type': '' });
  const rows = await unshippedRows(directory, 'test');
  assert.deepEqual(
    rows
      .map((r) => [r.prediction_id, r.status, r.entity, r.event_time_ms, r['feature:x1'], r.flags ?? null])
      .slice(0, 4),
    [
      ['p1-0', 'ok', 'UA1', Date.UTC(2001, 1, 1), 0.5, null],
      ['p1-1', 'ok', 'UA1', Date.UTC(2001, 1, 1), 2, [{ feature: 'x1', kind: 'out-of-range' }]],
      ['p2', 'input_invalid', undefined, 981000000000, 'one', null],
      ['p3', 'ok', 'UA2', rows[3]!.received_at_ms, 0.5, null],
    ],
  );
  const [first, second] = rows;
  assert.equal(first!.bucket, second!.bucket);
  assert.equal(first!.sticky, true);
  assert.equal(first!.propensity, 1);
  assert.ok(Math.abs(Number(first!.score) - sigmoid(0.25)) < 1e-7);
  assert.equal((first!.outputs as { label: number }).label, 1);
  assert.equal(rows[4]!.status, 'request_malformed');
  assert.equal(rows.length, 5);
});

test('MLflow: the four forms give the same answer, extra columns are dropped, params name the rows', async (t) => {
  const { post, directory } = await logistic(t);
  const bodies = [
    {
      dataframe_split: {
        columns: ['x1', 'x2', 'extra'],
        data: [
          [0.5, 0.25, 1],
          [0, 1, 1],
        ],
      },
    },
    {
      dataframe_records: [
        { x1: 0.5, x2: 0.25, extra: 'e' },
        { x1: 0, x2: 1 },
      ],
    },
    {
      instances: [
        { x1: 0.5, x2: 0.25 },
        { x1: 0, x2: 1 },
      ],
    },
    { inputs: { x1: [0.5, 0], x2: [0.25, 1] } },
    {
      inputs: [
        [0.5, 0.25],
        [0, 1],
      ],
    },
    {
      dataframe_split: {
        data: [
          [0.5, 0.25],
          [0, 1],
        ],
      },
    },
  ];
  for (const body of bodies) {
    const params = { prediction_ids: ['m1', 'm2'], entities: ['a', null], event_times: [1000, 2000] };
    const { status, json } = await post('/invocations', { ...body, params });
    assert.equal(status, 200, JSON.stringify(json));
    const predictions = json.predictions as { label: number; probability: number[] }[];
    assert.deepEqual(
      predictions.map((p) => p.label),
      [1, 0],
    );
    assert.ok(Math.abs(predictions[0]!.probability[1]! - sigmoid(0.25)) < 1e-7);
    assert.deepEqual(json.prediction_ids, ['m1', 'm2']);
  }
  const rows = await unshippedRows(directory, 'test');
  assert.deepEqual(
    rows.slice(0, 2).map((r) => [r.prediction_id, r.entity, r.event_time_ms, r.sticky]),
    [
      ['m1', 'a', 1000, true],
      ['m2', undefined, 2000, false],
    ],
  );
});

test('MLflow: errors have its shape and name the thing', async (t) => {
  const { post } = await logistic(t);
  const cases: [unknown, RegExp][] = [
    [{ x1: [1] }, /exactly one of the input fields dataframe_split.*it holds none/],
    [{ instances: [[1]], inputs: [[1]] }, /it holds instances, inputs/],
    [{ dataframe_records: [{ x1: 1 }] }, /input "x2" is missing/],
    [
      { dataframe_split: { columns: ['x1', 'x2'], data: [[1]] } },
      /row 0 of "dataframe_split" must be a list of 2 values/,
    ],
    [{ dataframe_records: [{ x1: 'one', x2: 2 }] }, /input "x1" is a text; expected a number/],
    [
      { instances: [[1, 2]], params: { entities: ['a', 'b'] } },
      /params\.entities must be a list with one entry per row \(1\)/,
    ],
  ];
  for (const [body, message] of cases) {
    const { status, json } = await post('/endpoints/test/invocations', body);
    assert.equal(status, 400);
    const missing = String(message).includes('missing');
    assert.equal(json.error_code, missing ? 'INVALID_PARAMETER_VALUE' : 'BAD_REQUEST');
    assert.match(String(json.message), message);
  }
  assert.equal((await post('/endpoints/none/invocations', {})).json.error_code, 'RESOURCE_DOES_NOT_EXIST');
});

test('health, metadata and metrics', async (t) => {
  const { url } = await logistic(t);
  const get = async (path: string) => (await fetch(url + path)).json() as Promise<Record<string, unknown>>;
  assert.deepEqual(await get('/v2/health/live'), { live: true });
  assert.deepEqual(await get('/v2/health/ready'), { live: true, ready: true });
  assert.equal((await get('/v2')).name, (await get('/v2/')).name);
  assert.deepEqual(await get('/v2/models/test/versions/1/ready'), { name: 'test', ready: true });
  const model = await get('/v2/models/test');
  assert.deepEqual(model.inputs, [
    { name: 'x1', datatype: 'FP64', shape: [-1, 1] },
    { name: 'x2', datatype: 'FP64', shape: [-1, 1] },
  ]);
  assert.deepEqual(model.versions, ['1']);
  assert.equal((await fetch(`${url}/ping`)).status, 200);
  assert.equal((await fetch(`${url}/v2/models/none/ready`)).status, 404);
  assert.equal((await fetch(`${url}/nowhere`)).status, 404);
  assert.match(await (await fetch(`${url}/metrics`)).text(), /millrace_routes_version\{.*\} 1/);
});

test('strings, int64 and vectors travel by JSON; int64 beyond 2^53 stay exact', async (t) => {
  const { post, blobs, replica } = await startTestServing(t);
  await replica.applyRoutes(tableOf(testRoute(await storePackage(blobs, identityOnnx(), identityPackage()))));
  const body = (number: unknown) => ({
    inputs: [
      { name: 'text', datatype: 'BYTES', shape: [1], data: ['Zürich "ZRH"'] },
      { name: 'number', datatype: 'INT64', shape: [1, 1], data: [number] },
      { name: 'vector', datatype: 'FP32', shape: [1, 3], data: [0.1, 2, 3] },
    ],
  });
  const { json } = await post('/v2/models/test/infer', body(42));
  assert.deepEqual(
    (json.outputs as { data: unknown[] }[]).map((o) => o.data),
    [['Zürich "ZRH"'], [42], [0.1, 2, 3]],
  );
  const big = await post(
    '/v2/models/test/infer',
    JSON.stringify(body(1)).replace('[1]}', '[9007199254740993]}'),
  );
  assert.equal(big.status, 200);
});

test('metadata and statistics have the versions in the order of their numbers, whichever is champion', async (t) => {
  const { replica, blobs, url } = await startTestServing(t);
  const packageDigest = await storePackage(blobs, logisticOnnx(), logisticPackage());
  const arm = (modelVersion: string, name: string) => ({
    arm: name,
    modelVersion,
    packageDigest,
    weight: 0.5,
  });
  await replica.applyRoutes(
    tableOf(testRoute(packageDigest, { arms: [arm('10', 'champion'), arm('9', 'challenger')] })),
  );
  const get = async (path: string) =>
    (await fetch(`${url}/v2/models/test${path}`)).json() as Promise<Record<string, unknown>>;
  assert.deepEqual((await get('')).versions, ['9', '10']);
  const { model_stats: stats } = (await get('/stats')) as { model_stats: readonly { version: string }[] };
  assert.deepEqual(
    stats.map(({ version }) => version),
    ['9', '10'],
  );
});

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import {
  brotliCompressSync,
  deflateRawSync,
  deflateSync,
  gunzipSync,
  gzipSync,
  inflateSync,
} from 'node:zlib';
import {
  startTestServing,
  storePackage,
  tableOf,
  testRoute,
  unshippedRows,
} from '../../../../test/support/serving.ts';
import { createRng } from '../../../core/rng.ts';
import {
  identityOnnx,
  identityPackage,
  logisticOnnx,
  logisticPackage,
  wideOnnx,
  widePackage,
} from '../../../platform/onnx/testing.ts';
import { decodeRaw, encodeRaw } from './raw-tensors.ts';

interface Output {
  readonly name: string;
  readonly datatype: string;
  readonly shape: number[];
  readonly data?: unknown[];
  readonly parameters?: { binary_data_size: number };
}

interface Answer {
  readonly status: number;
  readonly json: { error?: string; outputs?: Output[] };
  readonly raw: Buffer;
  readonly headers: Headers;
}

const x = (name: string, values: number[], datatype = 'FP64') => ({
  declared: {
    name,
    datatype,
    shape: [values.length, 1],
    parameters: { binary_data_size: encodeRaw(datatype, values).length },
  },
  bytes: encodeRaw(datatype, values),
});

function body(json: object, ...raw: Buffer[]): { bytes: Buffer<ArrayBuffer>; jsonBytes: number } {
  const head = Buffer.from(JSON.stringify(json));
  return { bytes: Buffer.concat([head, ...raw]), jsonBytes: head.length };
}

/** Three rows of the logistic model as bytes. */
function threeRows(more: object = {}) {
  const [x1, x2] = [x('x1', [0.5, 2, -1]), x('x2', [0.25, 0, 1])];
  return body({ id: 'b', inputs: [x1.declared, x2.declared], ...more }, x1.bytes, x2.bytes);
}

async function serve(t: TestContext) {
  const serving = await startTestServing(t);
  const logistic = await storePackage(serving.blobs, logisticOnnx(), logisticPackage());
  const identity = await storePackage(serving.blobs, identityOnnx(), identityPackage());
  await serving.replica.applyRoutes(tableOf(testRoute(logistic), testRoute(identity, { endpoint: 'same' })));
  const send = async (
    path: string,
    bytes: Buffer<ArrayBuffer>,
    jsonBytes: number | string | null,
    headers: Record<string, string> = {},
  ): Promise<Answer> => {
    if (jsonBytes !== null) headers['inference-header-content-length'] = String(jsonBytes);
    const response = await fetch(serving.url + path, { method: 'POST', body: bytes, headers });
    const answer = Buffer.from(await response.arrayBuffer());
    const length = Number(response.headers.get('inference-header-content-length') ?? answer.length);
    return {
      status: response.status,
      json: JSON.parse(answer.subarray(0, length).toString()),
      raw: answer.subarray(length),
      headers: response.headers,
    };
  };
  return { ...serving, send };
}

const path = '/v2/models/test/infer';
const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));

test('tensors come and go as bytes, mixed with JSON; what an output says wins over the request', async (t) => {
  const { send, directory } = await serve(t);
  const { bytes, jsonBytes } = threeRows({ parameters: { binary_data_output: true } });
  const all = await send(path, bytes, jsonBytes);
  assert.equal(all.status, 200);
  assert.equal(all.headers.get('content-type'), 'application/octet-stream');
  assert.deepEqual(all.json.outputs, [
    { name: 'label', datatype: 'INT64', shape: [3], parameters: { binary_data_size: 24 } },
    { name: 'probability', datatype: 'FP32', shape: [3, 2], parameters: { binary_data_size: 24 } },
  ]);
  assert.deepEqual(Array.from(decodeRaw('label', 'INT64', [3], all.raw.subarray(0, 24), 'm')), [1, 1, 0]);
  const probability = decodeRaw('probability', 'FP32', [3, 2], all.raw.subarray(24), 'm') as Float32Array;
  for (const [row, z] of [0.25, 2, -2].entries()) {
    assert.ok(Math.abs((probability[row * 2 + 1] as number) - sigmoid(z)) < 1e-6);
  }

  const outputs = [
    { name: 'probability', parameters: { binary_data: false } },
    { name: 'label', parameters: { binary_data: true } },
  ];
  for (const binary_data_output of [true, false]) {
    const asked = threeRows({ outputs, parameters: { binary_data_output } });
    const mixed = await send(path, asked.bytes, asked.jsonBytes);
    assert.deepEqual(
      mixed.json.outputs?.map((o) => [o.name, o.data?.length, o.parameters]),
      [
        ['probability', 6, undefined],
        ['label', undefined, { binary_data_size: 24 }],
      ],
    );
    assert.deepEqual(Array.from(decodeRaw('label', 'INT64', [3], mixed.raw, 'm')), [1, 1, 0]);
  }

  const x2 = x('x2', [0.25]);
  const half = body(
    { inputs: [{ name: 'x1', datatype: 'FP64', shape: [1, 1], data: [0.5] }, x2.declared] },
    x2.bytes,
  );
  const plain = await send(path, half.bytes, half.jsonBytes);
  assert.equal(plain.headers.get('content-type'), 'application/json');
  assert.deepEqual(plain.json.outputs?.[0]?.data, [1]);

  const rows = await unshippedRows(directory, 'test');
  assert.deepEqual(
    rows.slice(0, 3).map((r) => [r.prediction_id, r['feature:x1'], r['feature:x2']]),
    [
      ['b-0', 0.5, 0.25],
      ['b-1', 2, 0],
      ['b-2', -1, 1],
    ],
  );
});

test('texts, int64 beyond 2^53 and vectors stay exact as bytes and as JSON', async (t) => {
  const { send, url } = await serve(t);
  const big = 2n ** 60n + 1n;
  const inputs = [
    { name: 'text', datatype: 'BYTES', shape: [1], values: ['Zü\0"rich'] },
    { name: 'number', datatype: 'INT64', shape: [1], values: [big] },
    { name: 'vector', datatype: 'FP16', shape: [1, 3], values: [1, 0.5, -2] },
  ].map(({ values, ...input }) => ({ input, bytes: encodeRaw(input.datatype, values) }));
  const declared = inputs.map(({ input, bytes }) => ({
    ...input,
    parameters: { binary_data_size: bytes.length },
  }));
  const made = body(
    { inputs: declared, parameters: { binary_data_output: true } },
    ...inputs.map((i) => i.bytes),
  );
  const { json, raw, status } = await send('/v2/models/same/infer', made.bytes, made.jsonBytes);
  assert.equal(status, 200, json.error);
  let at = 0;
  const values = json.outputs?.map(({ name, datatype, shape, parameters }) => {
    const size = parameters?.binary_data_size ?? 0;
    at += size;
    return Array.from(decodeRaw(name, datatype, shape, raw.subarray(at - size, at), 'm'));
  });
  assert.deepEqual(values, [['Zü\0"rich'], [big], [1, 0.5, -2]]);

  const text = `{"inputs":[{"name":"text","datatype":"BYTES","shape":[1],"data":["a"]},
    {"name":"number","datatype":"INT64","shape":[1],"data":[${big}]},
    {"name":"vector","datatype":"FP32","shape":[1,3],"data":[100000000000000000000,2,3]}]}`;
  const whole = await send('/v2/models/same/infer', Buffer.from(text), null);
  assert.equal(whole.json.outputs?.[2]?.data?.[0], 1e20);
  const answer = await fetch(`${url}/v2/models/same/infer`, { method: 'POST', body: text });
  assert.match(await answer.text(), new RegExp(`"name":"number_out".*"data":\\[${big}\\]`));
});

test('compressed both ways, and a bomb is refused when the limit is reached', async (t) => {
  const { send, url } = await serve(t);
  const { bytes, jsonBytes } = threeRows();
  const packers = {
    gzip: gzipSync,
    deflate: deflateSync,
    br: brotliCompressSync,
    'x-gzip': gzipSync,
    identity: (b: Buffer) => b,
  };
  for (const [name, pack] of Object.entries(packers)) {
    const packed = Buffer.from(pack(bytes));
    const { status, json } = await send(path, packed, jsonBytes, { 'content-encoding': name });
    assert.equal(status, 200, `${name}: ${json.error}`);
  }
  const bare = await send(path, deflateRawSync(bytes), jsonBytes, { 'content-encoding': 'deflate' });
  assert.equal(bare.status, 200, bare.json.error);

  const rows = x('x1', new Array(1000).fill(0.5));
  const many = body({ inputs: [rows.declared, { ...rows.declared, name: 'x2' }] }, rows.bytes, rows.bytes);
  for (const [name, unpack] of [
    ['gzip', gunzipSync],
    ['deflate', inflateSync],
  ] as const) {
    const { request } = await import('node:http');
    const answer = await new Promise<{ encoding: string | undefined; bytes: Buffer }>((resolve, reject) => {
      const sent = request(
        url + path,
        {
          method: 'POST',
          headers: { 'accept-encoding': name, 'inference-header-content-length': many.jsonBytes },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk) => chunks.push(chunk));
          response.on('end', () =>
            resolve({ encoding: response.headers['content-encoding'], bytes: Buffer.concat(chunks) }),
          );
        },
      );
      sent.on('error', reject);
      sent.end(many.bytes);
    });
    assert.equal(answer.encoding, name);
    const unpacked = unpack(answer.bytes);
    assert.ok(answer.bytes.length < unpacked.length / 2);
    assert.equal((JSON.parse(unpacked.toString()) as { outputs: Output[] }).outputs[0]?.data?.length, 1000);
  }

  const bomb = gzipSync(Buffer.alloc(80 * 1024 * 1024));
  assert.ok(bomb.length < 100_000);
  const refused = await send(path, bomb, null, { 'content-encoding': 'gzip' });
  assert.equal(refused.status, 413);
  assert.match(String(refused.json.error), /larger than 67108864 bytes/);
  const cases: [string, Buffer<ArrayBuffer>, number, RegExp][] = [
    ['gzip', Buffer.from('not gzip'), 400, /the body is not gzip/],
    ['gzip', gzipSync(bytes).subarray(0, 40), 400, /or it is cut off/],
    ['br', Buffer.from('not br'), 400, /the body is not br/],
    ['compress', bytes, 415, /content encoding "compress" is not read here\. Use gzip/],
    ['constructor', bytes, 415, /"constructor" is not read/],
  ];
  for (const [encoding, sent, status, message] of cases) {
    const answer = await send(path, sent, jsonBytes, { 'content-encoding': encoding });
    assert.equal(answer.status, status);
    assert.match(String(answer.json.error), message);
  }
});

test('lying lengths of bodies and tensors get one clear error, and the next request is answered', async (t) => {
  const { send, directory } = await serve(t);
  const good = threeRows();
  const declared = (parameters: object, more: object = {}) =>
    body({ inputs: [{ name: 'x1', datatype: 'FP64', shape: [1, 1], parameters, ...more }] }, Buffer.alloc(8));
  const cases: [ReturnType<typeof body>, number | string | null, RegExp][] = [
    [good, good.bytes.length + 1, /Inference-Header-Content-Length is \d+, the body has \d+ bytes/],
    [good, 'ten', /must be the number of bytes of JSON/],
    [good, -1, /must be the number of bytes of JSON/],
    [good, good.jsonBytes - 1, /the body is not JSON: it is cut off|breaks at/],
    [
      { ...good, bytes: good.bytes.subarray(0, -8) },
      good.jsonBytes,
      /input "x2" has 24 bytes of binary data, 16/,
    ],
    [
      { ...good, bytes: Buffer.concat([good.bytes, Buffer.alloc(1)]) },
      good.jsonBytes,
      /say they have 48 bytes behind the JSON, 49/,
    ],
    [
      body({ inputs: [x('x1', [1]).declared] }),
      null,
      /the header Inference-Header-Content-Length is missing/,
    ],
    [declared({ binary_data_size: 1.5 }), null, /"binary_data_size" must be a number of bytes/],
    [declared({ binary_data_size: 8 }, { data: [1] }), null, /both "data" and binary data/],
    [declared({ binary_data_size: 8 }, { shape: [2, 1] }), null, /Expected 16, got 8/],
    [declared({ binary_data_size: 8 }, { datatype: 'FP8' }), null, /"FP8" is not a datatype/],
    [declared({ binary_data_size: 8 }, { datatype: 7 }), null, /datatype 7 is not a datatype/],
    [declared({ binary_data_size: 8 }, { shape: [1e308, 1e308] }), null, /exceed maximum size/],
    [declared({ binary_data_size: 8 }, { shape: [2 ** 31, 0] }), null, /more than 100000 empty lists/],
    [declared({ shared_memory_region: 'r' }, { data: [1] }), null, /shared memory/],
    [good, 0, /must only have 1 input .found 1. to be deduced but got 2 inputs/],
  ];
  for (const [{ bytes, jsonBytes }, length, message] of cases) {
    const lying = length ?? (String(message).includes('is missing') ? null : jsonBytes);
    const { status, json } = await send(path, Buffer.from(bytes), lying);
    assert.equal(status, 400, json.error);
    assert.deepEqual(Object.keys(json), ['error']);
    assert.match(String(json.error), message);
    assert.equal((await send(path, good.bytes, good.jsonBytes)).status, 200);
  }
  const rows = await unshippedRows(directory, 'test');
  assert.equal(rows.filter((r) => r.status === 'request_malformed').length, cases.length);
});

test('a body that is nothing but the bytes of the only input is one row', async (t) => {
  const { send, blobs, replica } = await serve(t);
  await replica.applyRoutes(
    tableOf(testRoute(await storePackage(blobs, wideOnnx(3), widePackage(3)), { routeVersion: 2 })),
  );
  const values = [0.5, -2, 0.25];
  const { status, json, raw } = await send(path, Buffer.from(encodeRaw('FP32', values)), 0);
  assert.equal(status, 200, json.error);
  const as = { inputs: [{ name: 'features', datatype: 'FP32', shape: [1, 3], data: values }] };
  const asJson = await send(path, Buffer.from(JSON.stringify(as)), null);
  assert.deepEqual(
    json.outputs?.map((o) => [o.name, o.shape]),
    asJson.json.outputs?.map((o) => [o.name, o.shape]),
  );
  assert.equal(
    json.outputs?.reduce((sum, o) => sum + (o.parameters?.binary_data_size ?? 0), 0),
    raw.length,
  );
  const short = await send(path, Buffer.from(encodeRaw('FP32', [1])), 0);
  assert.match(String(short.json.error), /for model '\w+'. Expected 12, got 4: its shape is \[3\] of FP32/);
});

test('classification gives the highest values with index and label', async (t) => {
  const { send } = await serve(t);
  const rows = threeRows({ outputs: [{ name: 'probability', parameters: { classification: 1 } }] });
  const { json } = await send(path, rows.bytes, rows.jsonBytes);
  const [output] = json.outputs ?? [];
  assert.equal(output?.datatype, 'BYTES');
  assert.deepEqual(output?.shape, [3, 1]);
  assert.deepEqual(
    ((output?.data ?? []) as string[]).map((text) => text.split(':').slice(1)),
    [
      ['1', '1'],
      ['1', '1'],
      ['0', '0'],
    ],
  );
  assert.ok(Math.abs(Number(((output?.data ?? []) as string[])[0]?.split(':')[0]) - sigmoid(0.25)) < 1e-6);
});

test('fuzz: broken bodies are answered 400 each, and neighbours are not disturbed', async (t) => {
  const { send } = await serve(t);
  const rng = createRng(77);
  const good = threeRows({ parameters: { binary_data_output: true } });
  const expected = (await send(path, good.bytes, good.jsonBytes)).raw.toString('hex');
  let refused = 0;
  for (let round = 0; round < 60; round++) {
    const calls = Array.from({ length: 8 }, async (_, i) => {
      if (i % 2 === 0) {
        const { raw } = await send(path, good.bytes, good.jsonBytes);
        assert.equal(raw.toString('hex'), expected);
        return;
      }
      const bytes = Buffer.from(good.bytes);
      for (let flips = 1 + rng.int(6); flips > 0; flips--) bytes[rng.int(good.jsonBytes)] = rng.int(256);
      const cut = rng.int(3) === 0 ? rng.int(bytes.length) : bytes.length;
      const { status, json } = await send(path, bytes.subarray(0, cut), good.jsonBytes);
      if (status === 200) return;
      refused++;
      assert.equal(status, 400, JSON.stringify(json));
      assert.equal(typeof json.error, 'string');
    });
    await Promise.all(calls);
  }
  assert.ok(refused > 150, `${refused} were refused`);
});

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { canonicalJson } from '../../src/core/json.ts';
import {
  float,
  int64,
  oneNodeOnnx,
  type TestRepository,
  testRepository,
  text,
} from '../../src/lifecycle/serving/repository/testing.ts';
import { createLogger } from '../../src/platform/log/index.ts';
import { Registry } from '../../src/platform/metrics/index.ts';
import { describeRemote } from '../../src/platform/runtimes/index.ts';
import { InferenceServer } from '../../src/surfaces/inference/index.ts';
import { startTestServing, tableOf, testRoute } from '../support/serving.ts';

async function serve(t: TestContext, { serving }: TestRepository) {
  const server = new InferenceServer({
    replica: serving,
    repository: serving.repository,
    metrics: new Registry('serve'),
    logger: createLogger('serve', 'silent'),
    version: '0.0.0',
  });
  const port = await server.listen('127.0.0.1', 0, '--serve-port');
  t.after(() => server.close());
  const url = `http://127.0.0.1:${port}`;
  const infer = async (
    model: string,
    datatype: string,
    shape: readonly number[],
    data: unknown,
    outputs?: object,
  ) => {
    const response = await fetch(`${url}/v2/models/${model}/infer`, {
      method: 'POST',
      body: JSON.stringify({ inputs: [{ name: 'x', datatype, shape, data }], outputs }),
    });
    const json = (await response.json()) as {
      outputs: { shape: number[]; data: unknown[] }[];
      error: string;
    };
    return response.ok ? { shape: json.outputs[0]?.shape, data: json.outputs[0]?.data } : json.error;
  };
  return { infer, url };
}

test('any dimensions are served: free ones, none that counts rows, none at all, texts, reshaped ones', async (t) => {
  const repository = await testRepository(t, {
    'free/1/model.onnx': oneNodeOnnx('Neg', ['N', 'A', 'B']),
    'whole/1/model.onnx': oneNodeOnnx('Neg', [2, 'A']),
    'scalar/1/model.onnx': oneNodeOnnx('Neg', []),
    'single/1/model.onnx': oneNodeOnnx('Neg', [1, 2]),
    'texts/1/model.onnx': oneNodeOnnx('Identity', ['N', 'A'], text),
    'long/1/model.onnx': oneNodeOnnx('Neg', ['N', 1], int64),
    'folded/config.pbtxt': 'max_batch_size: 4 output { name: "y" dims: [2, 2] reshape { shape: [4] } }',
    'folded/1/model.onnx': oneNodeOnnx('Neg', ['N', 4]),
    // Its output has a column for each value that is not zero: the free dimensions count no rows.
    'found/1/model.onnx': oneNodeOnnx('NonZero', ['N', 'M'], float, int64),
    'flat/config.pbtxt': 'max_batch_size: 4 input { name: "x" dims: [2, 2] reshape { shape: [4] } }',
    'flat/1/model.onnx': oneNodeOnnx('Neg', ['N', 4], float),
    'turned/config.pbtxt':
      'max_batch_size: 4 input { name: "x" dims: [3, -1, -1] reshape { shape: [1, 3, -1, -1] } } ' +
      'output { name: "y" dims: [3, 1, -1, -1] reshape { shape: [1, 3, -1, -1] } } response_cache { enable: true }',
    'turned/1/model.onnx': oneNodeOnnx('Neg', ['N', 'A', 'B', 'C', 'D'], float),
  });
  const { infer, url } = await serve(t, repository);
  assert.deepEqual(await infer('free', 'FP32', [2, 1, 3], [1, 2, 3, 4, 5, 6]), {
    shape: [2, 1, 3],
    data: [-1, -2, -3, -4, -5, -6],
  });
  // Requests of other dimensions in the same turn of the event loop must not disturb each other.
  const mixed = await Promise.all(
    [1, 2, 3, 2, 1].map((n) =>
      infer(
        'free',
        'FP32',
        [1, n, 1],
        Array.from({ length: n }, (_, i) => i + n),
      ),
    ),
  );
  assert.deepEqual(
    mixed.map((m) => typeof m === 'object' && [m.shape?.[1], m.data?.[0]]),
    [1, 2, 3, 2, 1].map((n) => [n, -n]),
  );
  assert.deepEqual(
    await infer(
      'whole',
      'FP32',
      [2, 3],
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
    ),
    {
      shape: [2, 3],
      data: [-1, -2, -3, -4, -5, -6],
    },
  );
  assert.match(String(await infer('whole', 'FP32', [3, 1], [1, 2, 3])), /of shape \[3, 1\]|shape/);
  assert.deepEqual(await infer('single', 'FP32', [1, 2], [1, 2]), { shape: [1, 2], data: [-1, -2] });
  assert.deepEqual(await infer('texts', 'BYTES', [2, 2], ['a', '', 'ä\0b', 'd']), {
    shape: [2, 2],
    data: ['a', '', 'ä\0b', 'd'],
  });
  assert.deepEqual(await infer('long', 'INT64', [2, 1], [5, -6]), { shape: [2, 1], data: [-5, 6] });
  assert.deepEqual(
    await infer(
      'flat',
      'FP32',
      [1, 2, 2],
      [
        [
          [1, 2],
          [3, 4],
        ],
      ],
    ),
    {
      shape: [1, 4],
      data: [-1, -2, -3, -4],
    },
  );
  assert.deepEqual(await infer('folded', 'FP32', [1, 4], [1, 2, 3, 4]), {
    shape: [1, 2, 2],
    data: [-1, -2, -3, -4],
  });
  assert.deepEqual(await infer('found', 'FP32', [2, 2], [0, 5, 6, 7]), {
    shape: [2, 3],
    data: [0, 1, 1, 1, 0, 1],
  });
  // KServe's first protocol: the values of an only output have no name.
  const body = JSON.stringify({ instances: [[[1, 2]]] });
  const v1 = await (await fetch(`${url}/v1/models/free:predict`, { method: 'POST', body })).json();
  assert.deepEqual((v1 as { predictions: unknown }).predictions, [[[-1, -2]]]);
  assert.deepEqual(
    (await (await fetch(`${url}/v2/models`)).json()) as unknown,
    await (await fetch(`${url}/v1/models`)).json(),
  );
  // A body of nothing but bytes tells a shape where one dimension is free.
  const bare = async (model: string) => {
    const headers = { 'inference-header-content-length': '0' };
    const raw = new Uint8Array(Float32Array.of(1, 2, 3, 4).buffer);
    return fetch(`${url}/v2/models/${model}/infer`, { method: 'POST', headers, body: raw });
  };
  assert.equal((await bare('whole')).status, 200);
  const vague = await bare('free');
  assert.deepEqual(
    [vague.status, /more than one variable-sized dimension/.test(await vague.text())],
    [400, true],
  );
  // Rows without values.
  assert.deepEqual(await infer('free', 'FP32', [3, 2, 0], []), { shape: [3, 2, 0], data: [] });
  assert.deepEqual(await infer('texts', 'BYTES', [2, 0], []), { shape: [2, 0], data: [] });
  // Dimensions behind one of 0 are no less of the tensor.
  assert.deepEqual(await infer('free', 'FP32', [2, 0, 3], []), { shape: [2, 0, 3], data: [] });
  assert.deepEqual(await infer('free', 'FP32', [2, 0, 6], []), { shape: [2, 0, 6], data: [] });
  // Dimensions that are reshaped may be free: they keep their order. An answer from the cache is the caller's own.
  assert.deepEqual(await infer('turned', 'FP32', [1, 3, 2, 1], [1, 2, 3, 4, 5, 6]), {
    shape: [1, 3, 1, 2, 1],
    data: [-1, -2, -3, -4, -5, -6],
  });
  assert.deepEqual(await infer('turned', 'FP32', [1, 3, 0, 5], []), { shape: [1, 3, 1, 0, 5], data: [] });
  assert.deepEqual(await infer('turned', 'FP32', [1, 3, 0, 4], []), { shape: [1, 3, 1, 0, 4], data: [] });
  const metadata = (await (await fetch(`${url}/v2/models/turned`)).json()) as { outputs: unknown };
  assert.deepEqual(metadata.outputs, [{ name: 'y', datatype: 'FP32', shape: [-1, 3, 1, -1, -1] }]);
  assert.match(String(await infer('long', 'INT64', [1, 1], [1.5])), /input "x"/);
  assert.match(
    String(await infer('free', 'FP32', [1, 1], [1])),
    /is of shape \[1\]; expected float of shape/,
  );
  for (const { route } of repository.serving.plane.endpoints) {
    const document = JSON.parse(
      await (await fetch(`${url}/v2/models/${route.endpoint}/docs/dataplane.json`)).text(),
    );
    for (const [path, { post }] of Object.entries<{
      post?: { requestBody: { content: Record<string, { example: object }> } };
    }>(document.paths)) {
      const example = post?.requestBody.content['application/json']?.example;
      if (!example) continue;
      const headers = { 'content-type': 'application/json' };
      const body = JSON.stringify(example);
      const response = await fetch(`${url}${path}`, { method: 'POST', headers, body });
      assert.equal(response.status, 200, `${path} ${await response.text()}`);
    }
  }
});

test('a tensor takes its own datatype and those that it holds without loss', async (t) => {
  const repository = await testRepository(t, {
    'single/1/model.onnx': oneNodeOnnx('Neg', ['N', 1]),
    'long/1/model.onnx': oneNodeOnnx('Neg', ['N', 1], int64),
    'texts/1/model.onnx': oneNodeOnnx('Identity', ['N', 1], text),
  });
  const { infer, url } = await serve(t, repository);
  for (const [model, taken, refused] of [
    ['single', ['FP32', 'INT16', 'UINT8'], ['INT32', 'INT64', 'FP64', 'BOOL', 'BYTES']],
    ['long', ['INT64', 'INT32', 'UINT32'], ['UINT64', 'FP32', 'FP64', 'BOOL']],
    ['texts', ['BYTES'], ['INT64', 'FP32']],
  ] as const) {
    const value = model === 'texts' ? 'a' : 1;
    for (const datatype of taken) {
      const answer = await infer(model, datatype, [1, 1], [value]);
      assert.deepEqual(answer, { shape: [1, 1], data: [model === 'texts' ? 'a' : -1] }, datatype);
    }
    for (const datatype of refused) {
      const own = taken[0];
      const told = `input "x" has datatype ${datatype}; model "${model}" expects ${own}. Send it`;
      assert.ok(String(await infer(model, datatype, [1, 1], [value])).startsWith(told), datatype);
    }
  }
  // As bytes too.
  const inputs = [{ name: 'x', datatype: 'FP64', shape: [1, 1], parameters: { binary_data_size: 8 } }];
  const header = JSON.stringify({ inputs });
  const answer = await fetch(`${url}/v2/models/single/infer`, {
    method: 'POST',
    headers: { 'inference-header-content-length': String(header.length) },
    body: Buffer.concat([Buffer.from(header), Buffer.from(Float64Array.of(1).buffer)]),
  });
  assert.deepEqual([answer.status, answer.headers.get('x-millrace-error')], [400, 'input_datatype']);
});

test('classes have the labels of their file', async (t) => {
  const repository = await testRepository(t, {
    'sorted/config.pbtxt': 'max_batch_size: 4 output { name: "y" dims: 3 label_filename: "labels.txt" }',
    'sorted/labels.txt': 'cat\ndog\nowl\n',
    'sorted/1/model.onnx': oneNodeOnnx('Neg', ['N', 3]),
    'whole/config.pbtxt': 'max_batch_size: 0 output { name: "y" dims: 3 label_filename: "labels.txt" }',
    'whole/labels.txt': 'cat\ndog\nowl\n',
    'whole/1/model.onnx': oneNodeOnnx('Neg', [3]),
  });
  const { infer } = await serve(t, repository);
  const outputs = [{ name: 'y', parameters: { classification: 2 } }];
  assert.deepEqual(await infer('sorted', 'FP32', [1, 3], [3, 1, 2], outputs), {
    shape: [1, 2],
    data: ['-1.000000:1:dog', '-2.000000:2:owl'],
  });
  // Without a dimension of rows all values are those of one row.
  assert.deepEqual(await infer('whole', 'FP32', [3], [3, 1, 2], outputs), {
    shape: [2],
    data: ['-1.000000:1:dog', '-2.000000:2:owl'],
  });
});

test('half floats and bytes that are no text come and go as they are, over JSON where it has a form for them', async (t) => {
  const [half, brain] = [10, 16];
  const repository = await testRepository(t, {
    'half/1/model.onnx': oneNodeOnnx('Neg', ['N', 3], half),
    'brain/1/model.onnx': oneNodeOnnx('Identity', ['N', 3], brain),
    'texts/1/model.onnx': oneNodeOnnx('Identity', ['N', 2], text),
  });
  const { infer, url } = await serve(t, repository);
  const send = async (
    model: string,
    datatype: string,
    shape: readonly number[],
    raw: Buffer,
    json = false,
  ) => {
    const input = { name: 'x', datatype, shape, parameters: { binary_data_size: raw.length } };
    const head = JSON.stringify({ inputs: [input], parameters: { binary_data_output: !json } });
    const response = await fetch(`${url}/v2/models/${model}/infer`, {
      method: 'POST',
      headers: { 'inference-header-content-length': String(head.length) },
      body: Buffer.concat([Buffer.from(head), raw]),
    });
    const body = Buffer.from(await response.arrayBuffer());
    const jsonBytes = Number(response.headers.get('inference-header-content-length') ?? body.length);
    const told = JSON.parse(body.toString('utf8', 0, jsonBytes));
    return { error: told.error, output: told.outputs?.[0], raw: body.subarray(jsonBytes) };
  };
  for (const [model, datatype, sent, given] of [
    ['half', 'FP16', '003c662e007c', '00bc66ae00fc'],
    ['brain', 'BF16', '803fcd3d80ff', '803fcd3d80ff'],
  ] as const) {
    const metadata = JSON.parse(await (await fetch(`${url}/v2/models/${model}`)).text());
    assert.deepEqual(metadata.inputs, [{ name: 'x', datatype, shape: [-1, 3] }]);
    assert.deepEqual(metadata.outputs, [{ name: 'y', datatype, shape: [-1, 3] }]);
    const { output, raw } = await send(model, datatype, [1, 3], Buffer.from(sent, 'hex'));
    assert.deepEqual([output.datatype, output.parameters.binary_data_size], [datatype, 6]);
    assert.equal(raw.toString('hex'), given);
    // What a half cannot hold becomes what it can, in JSON as in bytes.
    const rounded = datatype === 'FP16' ? [-1, -0.099975586, 2] : [1, 0.100097656, -2];
    const { data } = (await infer(model, datatype, [1, 3], [1, 0.1, -2])) as { data: number[] };
    assert.deepEqual(data, rounded);
  }
  assert.match(
    String(await infer('half', 'FP64', [1, 3], [1, 2, 3])),
    /has datatype FP64; model "half" expects FP16/,
  );

  const element = (bytes: Buffer) => Buffer.concat([Buffer.from([bytes.length, 0, 0, 0]), bytes]);
  const raw = Buffer.concat([element(Buffer.from('ff00d8ffe0c3a9', 'hex')), element(Buffer.from('é'))]);
  assert.deepEqual((await send('texts', 'BYTES', [1, 2], raw)).raw, raw);
  assert.match(
    (await send('texts', 'BYTES', [1, 2], raw, true)).error,
    /"y" has bytes that are no UTF-8 text/,
  );
  // A caller's own characters of the range that stands for such bytes.
  const own = ['\u{10fe80}"', 'é'];
  const inside = Buffer.concat(own.map((text) => element(Buffer.from(text))));
  assert.deepEqual(await infer('texts', 'BYTES', [1, 2], own), { shape: [1, 2], data: own });
  assert.deepEqual((await send('texts', 'BYTES', [1, 2], inside, true)).output.data, own);
  const base64 = { parameters: { content_type: 'base64' } };
  const codec = await fetch(`${url}/v2/models/texts/infer`, {
    method: 'POST',
    body: JSON.stringify({
      inputs: [{ name: 'x', datatype: 'BYTES', shape: [1, 2], data: ['/wA=', 'w6k='], ...base64 }],
      outputs: [{ name: 'y', ...base64 }],
    }),
  });
  const { outputs } = (await codec.json()) as { outputs: unknown };
  assert.deepEqual(outputs, [
    { name: 'y', datatype: 'BYTES', shape: [1, 2], ...base64, data: ['/wA=', 'w6k='] },
  ]);
  const traced = await fetch(`${url}/v2/models/none/trace/setting`);
  assert.match(await traced.text(), /Request for unknown model : none/);
});

test('half floats go to another server and come back as they are, in JSON and in raw tensors', async (t) => {
  const far = await serve(t, await testRepository(t, { 'm/1/model.onnx': oneNodeOnnx('Neg', ['N', 3], 10) }));
  for (const binary of [false, true]) {
    const remote = { kind: 'remote' as const, url: far.url, model: 'm', version: null, timeoutMs: 60_000 };
    const near = await startTestServing(t);
    const { digest } = await near.blobs.put(canonicalJson(await describeRemote('m', { ...remote, binary })));
    await near.replica.applyRoutes(tableOf(testRoute(digest)));
    const body = { inputs: [{ name: 'x', datatype: 'FP16', shape: [1, 3], data: [1, 0.1, -2] }] };
    const { json } = await near.post('/v2/models/test/infer', body);
    const y = { name: 'y', datatype: 'FP16', shape: [1, 3], data: [-1, -0.099975586, 2] };
    assert.deepEqual(json.outputs, [y], JSON.stringify(json));
    await near.stop();
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ModelSignature } from '../../../core/model-package.ts';
import { readInvocation, readV1Predict } from './invocations.ts';

test('objects of type hints are rows themselves; objects of columns are rows of columns', () => {
  const json = { type: 'string' as const, required: true, shape: [], json: true as const };
  const context = { endpoint: 'm', version: null, headers: {}, receivedAtMs: 0, startedMs: 0 };
  const read = (name: string, body: object) =>
    readV1Predict(Buffer.from(JSON.stringify(body)), context, {
      signature: { inputs: [{ name, ...json }], outputs: [] },
    }).request.tensors.map((tensor) => [tensor.name, Array.from(tensor.data)]);
  const rows = [{ n: 1 }, { n: 2 }];
  for (const form of ['inputs', 'instances'])
    assert.deepEqual(read('input', { [form]: rows }), [['input', ['{"n":1}', '{"n":2}']]]);
  assert.deepEqual(read('messages', { inputs: [{ messages: [1] }, { messages: [] }] }), [
    ['messages', ['[1]', '[]']],
  ]);
});

const number = { type: 'double' as const, required: true, shape: [] };
const nested = { type: 'string' as const, required: true, shape: [], json: true as const };

function requestOf(
  body: string,
  inputs: ModelSignature['inputs'],
  entity?: string,
  more: { params?: ModelSignature['params']; content?: 'json' | 'csv' } = {},
) {
  const headers = entity === undefined ? {} : { 'x-millrace-entity': entity };
  const context = { endpoint: 'm', version: null, headers, receivedAtMs: 0, startedMs: 0 };
  const manifest = { signature: { inputs, outputs: [], ...(more.params ? { params: more.params } : {}) } };
  return readInvocation(Buffer.from(body), more.content ?? 'json', context, manifest);
}

test('an entity or id that is null or empty is none, not the text "null"', async () => {
  const inputs = [{ name: 'a', ...number }];
  for (const none of ['null', '""']) {
    const one = await requestOf(`{"instances": [1], "params": {"entity": ${none}}}`, inputs);
    assert.equal(one.request.entities, null);
    const told = await requestOf(`{"instances": [1], "params": {"entity": ${none}}}`, inputs, 'ann');
    assert.deepEqual(told.request.entities, ['ann']);
    // As the bytes of a header come: in UTF-8, or in Latin-1.
    for (const bytes of ['J\u00c3\u00bcrg', 'J\u00fcrg']) {
      const { request } = await requestOf(`{"instances": [1], "params": {"entity": ${none}}}`, inputs, bytes);
      assert.deepEqual(request.entities, ['J\u00fcrg']);
    }
    const params = `{"entities": [${none}, 7], "prediction_ids": [${none}, "p"]}`;
    const { request } = await requestOf(`{"instances": [1, 2], "params": ${params}}`, inputs);
    assert.deepEqual(request.entities, [null, '7']);
    assert.match(request.predictionIds?.[0] ?? '', /^[0-9a-f-]{36}$/);
    assert.equal(request.predictionIds?.[1], 'p');
  }
  const wrong = requestOf('{"instances": [1], "params": {"entity": {"id": 1}}}', inputs);
  await assert.rejects(wrong, /params.entity must be a text or a number/);
});

test('a column that every object has by birth is missing where it was not sent', async () => {
  const inputs = [{ name: 'constructor', type: 'string' as const, required: false, shape: [] }];
  const rows = '{"dataframe_records": [{"constructor": "ferrari"}, {"a": 1}]}';
  const { request } = await requestOf(rows, inputs);
  const column = request.tensors.find(({ name }) => name === 'constructor');
  assert.deepEqual(Array.from(column?.data ?? []), ['ferrari', null]);
});

test('integers beyond 2^53 keep their digits inside of nested values, too', async () => {
  const inputs = [
    { name: 'n', ...number, type: 'long' as const },
    { name: 'j', ...nested },
  ];
  const row = '{"n": 9007199254740993, "j": {"id": 9007199254740995}}';
  const { request } = await requestOf(`{"dataframe_records": [${row}]}`, inputs);
  assert.deepEqual(
    request.tensors.map(({ data }) => data[0]),
    [9007199254740993n, '{"id":9007199254740995}'],
  );
  const chat = '{"messages": [{"id": 9007199254740995}]}';
  const unwrapped = await requestOf(chat, [{ name: 'messages', ...nested }]);
  assert.equal(unwrapped.request.tensors[0]?.data[0], '[{"id":9007199254740995}]');
});

test('params and ids keep the digits of integers beyond 2^53', async () => {
  const inputs = [{ name: 'messages', ...nested }];
  const types = ['long', 'double'] as const;
  const params = types.map((type) => ({ name: type, type, list: false }));
  const given = '"long": 9007199254740993, "double": 9007199254740993';
  const wrapped = `{"inputs": [{"messages": 1}], "params": {${given}, "prediction_ids": [9007199254740995]}}`;
  for (const body of [wrapped, `{"messages": [], ${given}}`]) {
    const { request } = await requestOf(body, inputs, undefined, { params });
    assert.deepEqual({ ...request.params }, { long: 9007199254740993n, double: 9007199254740993n });
    if (body === wrapped) assert.deepEqual(request.predictionIds, ['9007199254740995']);
  }
  const late = `{"instances": [1], "params": {"event_time": 9007199254740993}}`;
  await assert.rejects(requestOf(late, inputs), { code: 'invalid_time' });
});

test('a text for a value of any kind stays a text, whatever it looks like', async () => {
  const inputs = [
    { name: 'v', ...nested, any: true as const },
    { name: 's', ...number, type: 'string' as const, required: false },
  ];
  const cells = async (body: unknown) => {
    const { request } = await requestOf(JSON.stringify(body), inputs);
    return request.tensors.map(({ data }) => Array.from(data));
  };
  assert.deepEqual(await cells({ dataframe_records: [{ v: '[1]' }, { v: [1] }, { v: null }] }), [
    ['"[1]"', '[1]', null],
  ]);
  // A list for it is a column of values, as MLflow has it; an object of lists is its only row where they are lists by type.
  assert.deepEqual(await cells({ inputs: { v: [1, '{}'], s: ['a', 'b'] } }), [
    ['1', '"{}"'],
    ['a', 'b'],
  ]);
  assert.deepEqual(await cells({ inputs: { v: { a: 1 }, s: 'a' } }), [['{"a":1}'], ['a']]);
  assert.deepEqual(await cells({ inputs: { v: ['a', 'b'] } }), [['["a","b"]']]);
  const lists = await requestOf('{"inputs": {"v": [1, 2]}}', [{ name: 'v', ...nested }]);
  assert.deepEqual(lists.request.tensors[0]?.data, ['[1,2]']);
});

test('a model of one text without a name takes it by whatever member a body has', async () => {
  const inputs = [{ name: 'input', ...number, type: 'string' as const, unnamed: true as const }];
  const params = [{ name: 'words', type: 'long' as const, list: false }];
  for (const body of ['{"prompt": "a", "words": 3, "stream": false}', '{"input": "a", "words": 3}']) {
    const { request } = await requestOf(body, inputs, undefined, { params });
    assert.deepEqual(
      [request.tensors[0]?.name, request.tensors[0]?.data, { ...request.params }],
      ['input', ['a'], { words: 3 }],
    );
  }
});

test('a byte order mark before JSON is nothing; a quote in CSV that is never closed swallows no rows', async () => {
  const inputs = [{ name: 'a', ...number, type: 'string' as const }];
  const { request } = await requestOf('\uFEFF{"instances": ["x"]}', inputs);
  assert.deepEqual(request.tensors[0]?.data, ['x']);
  const open = requestOf('a\n"x\ny\nz\n', inputs, undefined, { content: 'csv' });
  await assert.rejects(open, {
    code: 'request_malformed',
    message: /line 2 .* a quote that is never closed/,
  });
});

test('v1: {"b64"} is a value of bytes, as TensorFlow Serving has it, where the model takes any', () => {
  const context = { endpoint: 'm', version: null, headers: {}, receivedAtMs: 0, startedMs: 0 };
  const text = { type: 'string' as const, required: true, shape: [] };
  const binary = { ...text, type: 'binary' as const };
  const graph = { inputs: [], outputs: [] };
  const read = (body: object, inputs: ModelSignature['inputs'], isGraph = false) =>
    readV1Predict(Buffer.from(JSON.stringify(body)), context, {
      signature: { inputs, outputs: [] },
      ...(isGraph ? { tensors: 'rows', graph } : {}),
    }).request.tensors.map(({ name, data }) => [name, Array.from(data)]);
  const hello = { b64: 'aGVsbG8=' };
  const both = [
    { name: 'a', ...binary },
    { name: 't', ...text },
  ];
  const expected = [
    ['a', ['aGVsbG8=']],
    ['t', ['hello']],
  ];
  assert.deepEqual(read({ instances: [{ a: hello, t: hello }] }, both), expected);
  assert.deepEqual(read({ instances: [[hello, hello]] }, both), expected);
  assert.deepEqual(read({ inputs: { a: [hello], t: [hello] } }, both), expected);
  const only = [{ name: 't', ...text }];
  assert.deepEqual(read({ instances: [hello, 'x'] }, only), [['t', ['hello', 'x']]]);
  assert.deepEqual(read({ instances: [hello] }, [{ name: 'b64', ...text }]), [['b64', [hello.b64]]]);
  const list = [{ name: 't', ...text, shape: [-1] }];
  assert.deepEqual(read({ instances: [{ t: [hello, 'x'] }] }, list), [['t', ['hello', 'x']]]);
  const bytes = { instances: [{ b64: '/w==' }] };
  assert.deepEqual(read(bytes, only, true), [['t', [String.fromCodePoint(0x10fe00 + 0xff)]]]);
  assert.throws(() => read(bytes, only), /"b64" of "t" is not UTF-8/);
  for (const no of ['a', 'a===', 1, null])
    assert.throws(() => read({ instances: [{ b64: no }] }, only), /"b64" must be base64/);
  let deep: unknown = hello;
  for (let i = 0; i < 500; i++) deep = [deep];
  assert.throws(() => read({ instances: deep }, only), /nested 100 deep/);
});

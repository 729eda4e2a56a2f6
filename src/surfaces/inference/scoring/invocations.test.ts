import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ModelSignature } from '../../../core/model-package.ts';
import { readInvocation, readJsonInvocation } from './invocations.ts';

test('objects of type hints are rows themselves; objects of columns are rows of columns', () => {
  const json = { type: 'string' as const, required: true, shape: [], json: true as const };
  const context = { endpoint: 'm', version: null, headers: {}, receivedAtMs: 0, startedMs: 0 };
  const read = (name: string, body: object) =>
    readJsonInvocation(
      Buffer.from(JSON.stringify(body)),
      context,
      { signature: { inputs: [{ name, ...json }], outputs: [] } },
      ['instances', 'inputs'],
    ).request.tensors.map((tensor) => [tensor.name, Array.from(tensor.data)]);
  const rows = [{ n: 1 }, { n: 2 }];
  for (const form of ['inputs', 'instances'])
    assert.deepEqual(read('input', { [form]: rows }), [['input', ['{"n":1}', '{"n":2}']]]);
  assert.deepEqual(read('messages', { inputs: [{ messages: [1] }, { messages: [] }] }), [
    ['messages', ['[1]', '[]']],
  ]);
});

const number = { type: 'double' as const, required: true, shape: [] };
const nested = { type: 'string' as const, required: true, shape: [], json: true as const };

function requestOf(body: string, inputs: ModelSignature['inputs'], entity?: string) {
  const headers = entity === undefined ? {} : { 'x-millrace-entity': entity };
  const context = { endpoint: 'm', version: null, headers, receivedAtMs: 0, startedMs: 0 };
  const manifest = { signature: { inputs, outputs: [] } };
  return readInvocation(Buffer.from(body), 'json', context, manifest);
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

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readJsonInvocation } from './invocations.ts';

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

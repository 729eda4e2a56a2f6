import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytesOfText } from '../../../core/byte-text.ts';
import { readTensors } from './json-tensors.ts';

test("texts that MLServer's codec wrote in base64 are their bytes for graphs, and what they are for columns", () => {
  const data = ['UHl0aG9u', '/w==', 'not base64!', 'abc'];
  const input = { shape: [4, 1], datatype: 'BYTES', data, parameters: { content_type: 'base64' } };
  const inputs = [
    { ...input, name: 'graph' },
    { ...input, name: 'column' },
    { ...input, name: 'plain', parameters: { content_type: 'str' } },
  ];
  const { tensors } = readTensors(inputs, null, {
    model: 'm',
    whole: false,
    anyBytes: new Set(['graph', 'plain']),
  });
  const [graph, column, plain] = tensors.map((tensor) => Array.from(tensor.data, String));
  assert.deepEqual(
    graph?.map((text) => bytesOfText(text).toString('latin1')),
    ['Python', '\xff', 'not base64!', 'abc'],
  );
  assert.deepEqual(column, data);
  assert.deepEqual(plain, data);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askBody } from './ask-body.ts';

test('the request has every input of the signature with its type and the sample value', () => {
  const field = (name: string, type: 'string' | 'double' | 'long') => ({
    name,
    type,
    required: true,
    shape: [],
  });
  const body = askBody({
    signature: {
      inputs: [field('origin', 'string'), field('distance', 'double'), field('hour', 'long')],
      outputs: [],
    },
    sample: [{ origin: 'ORD', distance: 888 }],
  });
  assert.deepEqual(JSON.parse(body).inputs, [
    { name: 'origin', datatype: 'BYTES', shape: [1, 1], data: ['ORD'] },
    { name: 'distance', datatype: 'FP64', shape: [1, 1], data: [888] },
    { name: 'hour', datatype: 'INT64', shape: [1, 1], data: [0] },
  ]);
});

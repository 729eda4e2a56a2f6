import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bindRequest } from './bind-request.ts';

test('a model that takes requests gets the body of one as it came, and tensors with all their digits', () => {
  const body = '{"instances":[[1.0,2]],"params":{}}';
  const about = { name: 'entity', width: 1, data: ['mary'] };
  assert.equal(bindRequest([{ name: 'request', width: 1, data: [body] }, about]), body);
  const tensors = [
    { name: 'n', width: 2, data: new BigInt64Array([1n, 2n ** 53n + 1n]), shape: [1, 2], datatype: 'INT64' },
    { name: 'x', width: 2, data: [1.5, Number.NaN], shape: [2], datatype: 'FP32' },
    about,
  ];
  assert.deepEqual(JSON.parse(bindRequest(tensors)), {
    tensors: [
      { name: 'n', datatype: 'INT64', shape: [1, 2], data: ['1', '9007199254740993'] },
      { name: 'x', datatype: 'FP32', shape: [2], data: [1.5, 'NaN'] },
    ],
  });
});

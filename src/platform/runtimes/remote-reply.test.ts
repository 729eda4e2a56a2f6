import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeReply } from './remote-reply.ts';

const read = (datatype: string, data: string) =>
  decodeReply(
    {
      headers: {},
      body: Buffer.from(`{"outputs":[{"name":"y","datatype":"${datatype}","shape":[1,2],"data":${data}}]}`),
    },
    1,
    false,
    (problem) => new Error(problem),
  )[0]?.data;

test('numbers of another server keep every digit, and those that its datatype has not are refused', () => {
  assert.deepEqual(
    read('INT64', '[9007199254740993, -9223372036854775808]'),
    BigInt64Array.of(9007199254740993n, -(2n ** 63n)),
  );
  assert.deepEqual(read('UINT64', '[18446744073709551615, 0]'), BigUint64Array.of(2n ** 64n - 1n, 0n));
  assert.deepEqual(read('FP64', '[12345678901234567890, null]'), [1.2345678901234567e19, Number.NaN]);
  assert.deepEqual(read('INT32', '[1, -2147483648]'), [1, -2147483648]);
  for (const [datatype, data] of [
    ['UINT8', '[1, 256]'],
    ['INT32', '[1.5, 1]'],
    ['INT64', '[9223372036854775808, 1]'],
    ['UINT64', '[-1, 1]'],
    ['BOOL', '[1, true]'],
  ] as const)
    assert.throws(() => read(datatype, data), new RegExp(`output "y" is ${datatype} and has `));
});

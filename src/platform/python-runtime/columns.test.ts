import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeColumns } from './columns.ts';

const values = [0.5, -2, Number.NaN, 8];

for (const type of ['double', 'float', 'integer', 'long'] as const) {
  test(`a cell of a typed array is the same to a worker as a list of numbers (${type})`, () => {
    const whole = type === 'integer' || type === 'long';
    const numbers = whole ? [1, -2, 3, 8] : values;
    const fields = [{ name: 'x', type, required: true, nullable: false, shape: [4] }];
    const listed = encodeColumns(fields, [[numbers], [numbers]]);
    const kinds = whole ? [Int32Array, Int16Array] : [Float32Array, Float64Array];
    for (const kind of kinds) {
      const cell = kind.from([0, ...numbers, 0]).subarray(1, 5);
      assert.deepEqual(encodeColumns(fields, [[cell], [cell]]), listed);
    }
  });
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { valuesJson } from './value-json.ts';

test('numbers are written so that readers have the same ones', () => {
  assert.equal(valuesJson(Float32Array.of(0.1, -0, 0, Number.NaN, -1), 'float'), '0.1,-0.0,0,null,-1');
  assert.equal(valuesJson(Float64Array.of(-0, 0.1, 5e-324), 'double'), '-0.0,0.1,5e-324');
  assert.ok(JSON.parse(`[${valuesJson([-0], 'double')}]`).every((value: number) => Object.is(value, -0)));
  assert.equal(valuesJson(BigInt64Array.of(-(2n ** 63n)), 'int64'), '-9223372036854775808');
  const many = Float64Array.from({ length: 2500 }, (_, i) => i);
  assert.deepEqual(JSON.parse(`[${valuesJson(many, 'double', 1, 2500)}]`), Array.from(many).slice(1));
});

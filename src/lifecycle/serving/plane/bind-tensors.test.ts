import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BoundShape } from './bind-rows.ts';
import { bindTensors } from './bind-tensors.ts';

test('all inputs that are missing are named at once; optional ones are none of them', () => {
  const names = ['a', 'b', 'c', 'd'];
  const shapeOf = (optional: readonly string[]): BoundShape => ({
    tensors: 'whole',
    signature: {
      inputs: names.map((name) => ({ name, type: 'float', required: !optional.includes(name), shape: [-1] })),
      outputs: [],
    },
    graph: {
      inputs: names.map((name) => ({ name, type: 'float', shape: [-1], columns: [name] })),
      outputs: [],
    },
  });
  const given = { name: 'b', width: 1, data: new Float32Array([1]), shape: [1], datatype: 'FP32' };
  const bind = (optional: readonly string[], tensors: readonly (typeof given)[]) =>
    bindTensors('m', shapeOf(optional), tensors, 1, null);
  assert.throws(() => bind([], []), {
    code: 'inputs_missing',
    message:
      "expected 4 inputs but got 0 inputs for model 'm'. Got input(s) [], but missing required input(s) ['a','b','c','d']. Please provide all required input(s).",
  });
  assert.throws(() => bind(['d'], [given]), {
    message:
      "expected number of inputs between 3 and 4 but got 1 inputs for model 'm'. Got input(s) ['b'], but missing required input(s) ['a','c']. Please provide all required input(s).",
  });
  assert.deepEqual(
    bind(['a', 'c', 'd'], [given]).map((row) => row.map((cell) => cell === undefined)),
    [[true, false, true, true]],
  );
});

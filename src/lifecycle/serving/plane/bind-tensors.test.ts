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
      "expected 4 inputs but got 0 inputs for model 'm'. Got input(s) [], but missing required input(s) ['a','b','c','d']. Please provide all required input(s)",
  });
  assert.throws(() => bind(['d'], [given]), {
    message:
      "expected number of inputs between 3 and 4 but got 1 inputs for model 'm'. Got input(s) ['b'], but missing required input(s) ['a','c']. Please provide all required input(s)",
  });
  assert.deepEqual(
    bind(['a', 'c', 'd'], [given]).map((row) => row.map((cell) => cell === undefined)),
    [[true, false, true, true]],
  );
});

test('a number that would become infinite is refused; infinities and those just below are taken', () => {
  const bind = (type: 'float' | 'double', datatype: 'FP16' | 'BF16' | undefined, data: ArrayLike<number>) => {
    const shape: BoundShape = {
      tensors: 'whole',
      signature: { inputs: [{ name: 'x', type, required: true, shape: [-1] }], outputs: [] },
      graph: {
        inputs: [{ name: 'x', type, shape: [-1], columns: ['x'], ...(datatype ? { datatype } : {}) }],
        outputs: [],
      },
    };
    const declared = datatype ?? (type === 'float' ? 'FP32' : 'FP64');
    const tensor = { name: 'x', width: data.length, data, shape: [data.length], datatype: declared };
    return bindTensors('m', shape, [tensor], 1, null);
  };
  const single = 2 ** 128 - 2 ** 103;
  const brain = 2 ** 128 - 2 ** 119;
  for (const [datatype, below, from, rounded] of [
    [undefined, single - 2 ** 75, single, Math.fround],
    ['FP16', 65_519.999, 65_520, Math.f16round],
    ['BF16', brain - 2 ** 75, brain, null],
  ] as const) {
    for (const sign of [1, -1]) {
      if (rounded) assert.deepEqual([below, from].map(rounded).map(Number.isFinite), [true, false]);
      const taken = [0, sign * below, sign * Number.POSITIVE_INFINITY, Number.NaN];
      assert.doesNotThrow(() => bind('float', datatype, taken), datatype);
      for (const data of [[0, sign * from], Float64Array.of(0, sign * 1e39)])
        assert.throws(() => bind('float', datatype, data), { code: 'input_invalid' }, datatype);
    }
  }
  assert.doesNotThrow(() => bind('double', undefined, [1e308]));
});

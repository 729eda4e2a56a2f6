import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GraphInput } from '../../core/model-package.ts';
import { importOnnx } from './import.ts';
import { OnnxModel } from './model.ts';
import { addedOnnx } from './testing.ts';

const callerInputs = ['x', 'd'];

async function opened(onnx: Uint8Array) {
  const { bytes, inputs, outputs, defaults } = importOnnx(onnx, { callerInputs, fixedBatch: 'keep' });
  const graphInputs = inputs.map((input): GraphInput => {
    const given = { ...input, columns: [input.name] };
    return defaults.includes(input.name) ? { ...given, hasDefault: true } : given;
  });
  const model = await OnnxModel.load(bytes, {
    signature: {
      inputs: inputs.map(({ name }) => ({ name, type: 'float', required: name === 'x', shape: [2] })),
      outputs: [],
    },
    graph: { inputs: graphInputs, outputs: [...outputs] },
    score: null,
    tensors: 'whole',
  });
  const sum = async (x: unknown, d?: unknown) => {
    const { outputs } = await model.predict({ x: [x], d: [d] }, 1);
    return Array.from(outputs[0]?.data ?? []);
  };
  return { inputs, defaults, sum, close: () => model.close() };
}

test('an input with an initializer takes what it is given, and has the initializer where it is left out', async () => {
  const { inputs, defaults, sum, close } = await opened(addedOnnx([10, Number.NEGATIVE_INFINITY]));
  assert.deepEqual(
    inputs.map(({ name, shape }) => [name, shape]),
    [
      ['x', [2]],
      ['d', [2]],
    ],
  );
  assert.deepEqual(defaults, ['d']);
  assert.deepEqual(await sum([1, 2]), [11, Number.NEGATIVE_INFINITY]);
  assert.deepEqual(await sum([1, 2], [5, 6]), [6, 8]);
  assert.deepEqual(await sum([1, 2], null), [11, Number.NEGATIVE_INFINITY]);
  await close();
});

test('an initializer that callers do not know is kept, and the file as it was', () => {
  const onnx = addedOnnx([10, 20]);
  const { bytes, inputs, defaults } = importOnnx(onnx, { callerInputs: ['x'], fixedBatch: 'keep' });
  assert.deepEqual([inputs.map(({ name }) => name), defaults], [['x'], []]);
  assert.equal(bytes, onnx);
});

test('a default that graphs inside graphs may take is refused', () => {
  assert.throws(() => importOnnx(addedOnnx([10, 20], true), { callerInputs, fixedBatch: 'keep' }), {
    code: 'onnx_invalid',
    message: /input "d" has a default, and it has graphs inside graphs/,
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importOnnx } from './import.ts';
import { OnnxModel } from './model.ts';
import { chooseScore } from './score.ts';
import { identityOnnx, identityPackage, logisticOnnx, logisticPackage } from './testing.ts';
import { decode, encode } from './wire.ts';

const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));

test('importing cuts the ZipMap, keeps the output name and finds the classes', async () => {
  const imported = importOnnx(logisticOnnx());
  assert.deepEqual(imported.cutZipMaps, ['probability']);
  assert.deepEqual(imported.classes, [0, 1]);
  assert.deepEqual(imported.outputs, [
    { name: 'label', type: 'int64', shape: [-1] },
    { name: 'probability', type: 'float', shape: [-1, 2] },
  ]);
  assert.deepEqual(
    imported.inputs.map((i) => [i.name, i.type, i.shape]),
    [
      ['x1', 'float', [-1, 1]],
      ['x2', 'float', [-1, 1]],
    ],
  );
  assert.deepEqual(chooseScore(imported.outputs, { probability: 2, label: 1 }), {
    output: 'probability',
    index: 1,
  });
});

test('an imported logistic regression gives the probabilities of the formula, batched and alone', async () => {
  const model = await OnnxModel.load(importOnnx(logisticOnnx(2, -0.5, 0.25)).bytes, logisticPackage());
  const x1 = [0, 1, -2, 0.5];
  const x2 = [1, 0, 3, -0.5];
  const batch = await model.predict({ x1, x2 }, 4);
  for (let i = 0; i < 4; i++) {
    const expected = sigmoid(2 * x1[i]! - 0.5 * x2[i]! + 0.25);
    assert.ok(Math.abs(batch.score![i]! - expected) < 1e-6, `row ${i}`);
    const [alone] = (await model.predictRows([[x1[i], x2[i]]])).score!;
    assert.equal(alone, batch.score![i]);
  }
  const label = batch.outputs[0]!;
  assert.deepEqual(Array.from(label.data), [0, 1, 0, 1]);
  await model.close();
});

test('strings, int64 and vectors go in and come out unchanged; int64 beyond 2^53 stay exact', async () => {
  const model = await OnnxModel.load(importOnnx(identityOnnx()).bytes, identityPackage());
  const rows = [
    ['Zürich', 42, [1, 2, 3]],
    [null, 7, [4, 5, 6]],
  ];
  const { outputs } = await model.predictRows(rows);
  assert.deepEqual(
    outputs.map((o) => Array.from(o.data)),
    [
      ['Zürich', ''],
      [42, 7],
      [1, 2, 3, 4, 5, 6],
    ],
  );
  const big = await model.predictRows([['a', 2n ** 60n + 1n, [0, 0, 0]]]);
  assert.equal(big.outputs[1]!.data[0], 2n ** 60n + 1n);
  await assert.rejects(model.predictRows([['a', null, [0, 0, 0]]]), {
    code: 'input_invalid',
    message: /"number".*missing/,
  });
  await assert.rejects(model.predictRows([['a', 1.5, [0, 0, 0]]]), {
    code: 'input_invalid',
    message: /1\.5.*integer/,
  });
});

test('what cannot be served is refused with the reason', async () => {
  assert.throws(() => importOnnx(new TextEncoder().encode('not a model at all')), { code: 'onnx_invalid' });
  assert.throws(() => importOnnx(new Uint8Array()), { code: 'onnx_invalid', message: /no graph/ });

  const half = decode('Model', logisticOnnx());
  half.graph!.input![0]!.type!.tensorType!.elemType = 10;
  assert.throws(() => importOnnx(encode('Model', half)), {
    message: /input "x1" has element type number 10/,
  });

  const sequence = decode('Model', logisticOnnx());
  sequence.graph!.node = sequence.graph!.node!.slice(0, 2);
  assert.throws(() => importOnnx(encode('Model', sequence)), {
    message: /output "probability" is not a tensor/,
  });

  const unknown = decode('Model', identityOnnx());
  unknown.graph!.node![0] = encode('Node', { opType: 'Frobnicate', input: ['text'], output: ['text_out'] });
  const { bytes } = importOnnx(encode('Model', unknown));
  await assert.rejects(OnnxModel.load(bytes, identityPackage()), {
    code: 'onnx_invalid',
    message: /Frobnicate/,
  });
});

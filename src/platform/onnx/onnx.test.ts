import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importOnnx } from './import.ts';
import { OnnxModel } from './model.ts';
import { chooseScore } from './score.ts';
import { identityOnnx, identityPackage, logisticOnnx, logisticPackage } from './testing.ts';
import { decode, encode, type Model } from './wire.ts';

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

  const complex = decode('Model', logisticOnnx());
  complex.graph!.input![0]!.type!.tensorType!.elemType = 14;
  assert.throws(() => importOnnx(encode('Model', complex)), {
    message: /input "x1" has element type number 14/,
  });

  const sequence = decode('Model', logisticOnnx());
  sequence.graph!.node = sequence.graph!.node!.slice(0, 2);
  assert.throws(() => importOnnx(encode('Model', sequence)), {
    message: /output "probability" is not a tensor/,
  });
});

const edited = (edit: (model: Model) => void) => {
  const model = decode('Model', identityOnnx());
  edit(model);
  return encode('Model', model);
};
/** A field of protobuf by its tag; lengths below 128. */
const tagged = (tag: number, bytes: Uint8Array) => Uint8Array.of(tag, bytes.length, ...bytes);

test('operators and opsets that the runtime does not have are told in plain words', async () => {
  const refusals: [(model: Model) => void, RegExp][] = [
    [
      (m) => {
        m.graph!.node![0] = encode('Node', { opType: 'Frobnicate', input: ['text'], output: ['text_out'] });
      },
      /operator Frobnicate/,
    ],
    [
      (m) => {
        m.opsetImport!.push({ domain: 'my.ops', version: 1 });
        m.graph!.node![0] = encode('Node', {
          opType: 'Foo',
          domain: 'my.ops',
          input: ['text'],
          output: ['text_out'],
        });
      },
      /operator Foo of my\.ops, which this runtime does not have/,
    ],
    [
      (m) => {
        m.opsetImport![0]!.version = 99;
      },
      /needs opset 99 of ai\.onnx; this runtime has them up to \d+/,
    ],
    [
      (m) => {
        m.opsetImport![0]!.version = 0;
      },
      /operator Identity, which opset 0 does not have/,
    ],
    [
      (m) => {
        m.irVersion = 99;
      },
      /version 99 of the format; this runtime reads them up to \d+/,
    ],
    [
      (m) => {
        m.graph!.node![0] = encode('Node', { opType: 'Identity', input: ['nowhere'], output: ['text_out'] });
      },
      /Node input 'nowhere' is not a graph input/,
    ],
  ];
  for (const [edit, message] of refusals) {
    const { bytes } = importOnnx(edited(edit));
    await assert.rejects(OnnxModel.load(bytes, identityPackage()), { code: 'onnx_invalid', message });
  }
});

test('weights in other files are refused wherever they hide', () => {
  const tensor = { name: 'w', dims: [1], dataType: 1, dataLocation: 1 };
  const hidden = /weights of "w" are in another file/;
  const initializer = edited((m) => {
    m.graph!.initializer = [encode('Tensor', tensor)];
  });
  assert.throws(() => importOnnx(initializer), { code: 'onnx_invalid', message: hidden });

  const attribute = (field: number, bytes: Uint8Array) =>
    Uint8Array.of(...tagged(10, new TextEncoder().encode('value')), ...tagged((field << 3) | 2, bytes));
  const constant = encode('Node', {
    opType: 'Constant',
    output: ['c'],
    attribute: [attribute(5, encode('Tensor', tensor))],
  });
  assert.throws(() => importOnnx(edited((m) => m.graph!.node!.push(constant))), { message: hidden });

  const branch = encode('Graph', { name: 'branch', node: [constant] });
  const outer = encode('Node', {
    opType: 'If',
    input: ['b'],
    output: ['c'],
    attribute: [attribute(6, branch)],
  });
  assert.throws(() => importOnnx(edited((m) => m.graph!.node!.push(outer))), { message: hidden });
});

test('a file cut anywhere is refused with one error', () => {
  const { bytes } = importOnnx(logisticOnnx());
  for (let length = 0; length < bytes.length; length += 2) {
    assert.throws(() => importOnnx(bytes.subarray(0, length)), { code: 'onnx_invalid' });
  }
  const noOpset = edited((m) => {
    m.opsetImport = [];
  });
  assert.throws(() => importOnnx(noOpset), { code: 'onnx_invalid', message: /which opset/ });
});

test('a whole number that a type cannot hold is refused, and free dimensions follow the rows', async () => {
  const model = await OnnxModel.load(importOnnx(identityOnnx()).bytes, identityPackage());
  await assert.rejects(model.predictRows([['a', 2n ** 63n, [0, 0, 0]]]), {
    code: 'input_invalid',
    message: /9223372036854775808/,
  });
  await assert.rejects(model.predictRows([['a', 1, [0, 0]]]), { code: 'input_invalid', message: /2 values/ });
  await model.close();
});

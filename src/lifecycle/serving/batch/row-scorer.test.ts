import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fail } from '../../../core/errors.ts';
import { digestOf } from '../../../core/json.ts';
import { packageManifestSchema } from '../../../core/model-package.ts';
import type { Prediction } from '../../../platform/onnx/index.ts';
import { givesMore, RowScorer } from './row-scorer.ts';

const manifest = packageManifestSchema.parse({
  formatVersion: 1,
  model: 'm',
  runtime: {
    kind: 'python',
    flavor: 'python_function',
    requirements: [],
    pythonVersion: null,
    files: [{ path: 'MLmodel', digest: digestOf('') }],
  },
  onnx: null,
  signature: { inputs: [{ name: 'x', type: 'double', required: true, shape: [] }], outputs: [] },
  graph: { inputs: [], outputs: [{ name: 'output', type: 'double', shape: [-1] }] },
  score: { output: 'output', index: 0 },
  primary: 'output',
  classes: null,
  contract: null,
  sample: [],
});

test('rows that a model hangs or crashes on fail alone; while nobody can compute, the step is tried again', async () => {
  let away = false;
  const predictRows = async (rows: readonly (readonly unknown[])[]): Promise<Prediction> => {
    const values = rows.map(([x]) => Number(x));
    if (away) throw fail('model_restarting', { model: 'm', version: '1', problem: 'none is free' });
    if (values.includes(3)) throw fail('python_timeout', { model: 'm', timeoutMs: 1000 });
    if (values.includes(70)) throw fail('python_crashed', { model: 'm', version: '1', problem: 'SIGSEGV' });
    const data = Float64Array.from(values, (x) => x * 2);
    const outputs = [{ name: 'output', type: 'double' as const, shape: [data.length], width: 1, data }];
    return { rowCount: data.length, outputs, score: data };
  };
  const scorer = new RowScorer({
    manifest,
    runtime: { predictRows, close: async () => undefined },
    contract: null,
    scalar: true,
    logged: false,
    more: false,
    endpoint: 'e',
  });
  const cells = [Array.from({ length: 100 }, (_, i) => i)];
  const { predictions, codes } = await scorer.score(cells, 100, null);
  assert.deepEqual(
    codes.flatMap((code, row) => (code === '' ? [] : [[row, code]])),
    [
      [3, 'python_timeout'],
      [70, 'python_crashed'],
    ],
  );
  assert.deepEqual([predictions[2], predictions[3], predictions[99]], [4, null, 198]);
  away = true;
  await assert.rejects(scorer.score(cells, 100, null), { code: 'model_restarting' });
});

test('lists stand in the dimensions of their output, and what is more than prediction and score in a column of all', async () => {
  const outputs = [
    { name: 'grid', type: 'double' as const, shape: [-1, 2, 3] },
    { name: 'one', type: 'int64' as const, shape: [-1, 1] },
    { name: 'info', type: 'string' as const, shape: [-1] },
  ];
  const several = packageManifestSchema.parse({
    ...manifest,
    graph: { inputs: [], outputs },
    primary: 'grid',
    score: null,
  });
  const predictRows = async (rows: readonly (readonly unknown[])[]): Promise<Prediction> => {
    const rowCount = rows.length;
    const data = [
      Float64Array.from({ length: 6 * rowCount }, (_, i) => i + 0.5),
      BigInt64Array.from({ length: rowCount }, (_, i) => 2n ** 60n + BigInt(i)),
      rows.map(([x]) => `{"x": [${x}]}`),
    ];
    const made = outputs.map((output, i) => ({
      ...output,
      shape: [rowCount, ...output.shape.slice(1)],
      width: i === 0 ? 6 : 1,
      data: data[i] as readonly string[],
      ...(i === 2 ? { json: true as const } : {}),
    }));
    return { rowCount, outputs: made, score: null };
  };
  assert.deepEqual([givesMore(several), givesMore(manifest)], [true, false]);
  const scorer = new RowScorer({
    manifest: several,
    runtime: { predictRows, close: async () => undefined },
    contract: null,
    scalar: false,
    logged: false,
    more: true,
    endpoint: 'e',
  });
  const { predictions, allOutputs } = await scorer.score([[7, 8]], 2, null);
  assert.deepEqual(predictions, ['[[0.5,1.5,2.5],[3.5,4.5,5.5]]', '[[6.5,7.5,8.5],[9.5,10.5,11.5]]']);
  assert.equal(
    allOutputs[1],
    '{"grid":[[6.5,7.5,8.5],[9.5,10.5,11.5]],"one":1152921504606846977,"info":{"x": [8]}}',
  );
});

test('two probabilities are told by a class and a score, three are not', () => {
  const classifier = (classes: number) =>
    packageManifestSchema.parse({
      ...manifest,
      graph: {
        inputs: [],
        outputs: [
          { name: 'label', type: 'int64', shape: [-1] },
          { name: 'probabilities', type: 'float', shape: [-1, classes] },
        ],
      },
      score: { output: 'probabilities', index: 1 },
      primary: 'label',
    });
  assert.deepEqual([classifier(2), classifier(3), classifier(-1)].map(givesMore), [false, true, true]);
});

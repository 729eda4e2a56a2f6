import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fail } from '../../../core/errors.ts';
import { digestOf } from '../../../core/json.ts';
import { packageManifestSchema } from '../../../core/model-package.ts';
import type { Prediction } from '../../../platform/onnx/index.ts';
import { RowScorer } from './row-scorer.ts';

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

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Tensor } from 'onnxruntime-node';
import { createRng, type Rng } from '../../../core/rng.ts';
import { type GraphSession, openRuntime } from '../session.ts';
import { ensembleOnnx, type Kind, width } from './testing.ts';
import { readTreeModel, TreeSession } from './tree-session.ts';

/** Rows on thresholds, beside them, missing and infinite. */
function rowsOf(count: number, double: boolean, rng: Rng): Tensor {
  const values = Float64Array.from({ length: count * width }, () => {
    const kind = rng.int(12);
    if (kind === 0) return Number.NaN;
    if (kind === 1) return rng.int(2) === 0 ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
    if (kind === 2) return -0;
    const threshold = Math.fround((rng.int(9) - 4) / 3);
    return kind < 8 ? threshold : threshold + (rng.int(3) - 1) * (double ? 1e-15 : 1e-7);
  });
  return double
    ? new Tensor('float64', values, [count, width])
    : new Tensor('float32', Float32Array.from(values), [count, width]);
}

const kinds: Readonly<Record<string, Kind>> = {
  'a regressor': { operator: 'TreeEnsembleRegressor', double: false, transform: 'NONE', count: 1 },
  'a regressor with a base': {
    operator: 'TreeEnsembleRegressor',
    double: false,
    transform: 'NONE',
    count: 1,
    base: [0.3],
  },
  'a mean': {
    operator: 'TreeEnsembleRegressor',
    double: false,
    transform: 'NONE',
    count: 1,
    aggregate: 'AVERAGE',
  },
  'a regressor in double precision': {
    operator: 'TreeEnsembleRegressor',
    double: true,
    transform: 'NONE',
    count: 1,
    base: [1 / 3],
  },
  'several targets': {
    operator: 'TreeEnsembleRegressor',
    double: false,
    transform: 'NONE',
    count: 3,
    weighsAll: true,
  },
  'a forest of two classes': {
    operator: 'TreeEnsembleClassifier',
    double: false,
    transform: 'NONE',
    count: 2,
    positive: true,
  },
  'a bounded forest': {
    operator: 'TreeEnsembleClassifier',
    double: false,
    transform: 'NONE',
    count: 2,
    positive: true,
    clipped: true,
  },
  'a forest of texts': {
    operator: 'TreeEnsembleClassifier',
    double: false,
    transform: 'NONE',
    count: 2,
    positive: true,
    labels: ['no', 'ja'],
  },
  'a forest of four classes': {
    operator: 'TreeEnsembleClassifier',
    double: false,
    transform: 'NONE',
    count: 4,
    positive: true,
    weighsAll: true,
  },
  'boosting of two classes': {
    operator: 'TreeEnsembleClassifier',
    double: false,
    transform: 'LOGISTIC',
    count: 2,
    base: [-0.2],
  },
  'boosting in double precision': {
    operator: 'TreeEnsembleClassifier',
    double: true,
    transform: 'LOGISTIC',
    count: 2,
  },
  'boosting without a transformation': {
    operator: 'TreeEnsembleClassifier',
    double: true,
    transform: 'NONE',
    count: 2,
  },
  'boosting of three classes': {
    operator: 'TreeEnsembleClassifier',
    double: false,
    transform: 'SOFTMAX',
    count: 3,
    weighsAll: true,
    labels: [7, -3, 4_000_000_000],
  },
  'boosting of three classes in double precision': {
    operator: 'TreeEnsembleClassifier',
    double: true,
    transform: 'SOFTMAX',
    count: 3,
    weighsAll: true,
    base: [0.1, 0.2, 0.3],
  },
  'one against all': {
    operator: 'TreeEnsembleClassifier',
    double: false,
    transform: 'LOGISTIC',
    count: 3,
    weighsAll: true,
  },
};

for (const [name, kind] of Object.entries(kinds)) {
  test(`${name}: trees answer as the runtime does`, async (t) => {
    const rng = createRng(name.length);
    for (let round = 0; round < 10; round++) {
      const onnx = ensembleOnnx(kind, rng);
      const runtime = openRuntime(onnx);
      t.after(() => runtime.close());
      const model = readTreeModel(onnx, runtime);
      assert.ok(model, 'the trees are computed here');
      const trees = new TreeSession(structuredClone(model));
      for (const count of [1, 3, 300]) {
        const feeds = { features: rowsOf(count, kind.double, rng) };
        const [own, theirs] = [await trees.run(feeds), await runtime.run(feeds)];
        assert.deepEqual(Object.keys(own), Object.keys(theirs));
        for (const [output, { data, dims }] of Object.entries(theirs)) {
          assert.deepEqual(own[output]?.dims, dims);
          const given = Array.from(own[output]?.data as ArrayLike<unknown>);
          if (output === 'label' || kind.transform === 'NONE')
            assert.deepEqual(given, Array.from(data as ArrayLike<unknown>));
          else
            for (const [i, value] of Array.from(data as Float32Array).entries())
              assert.ok(Math.abs(Number(given[i]) - value) <= 2 ** -22, `${given[i]} is not ${value}`);
        }
      }
    }
  });
}

test('what only the runtime computes is left to it', (t) => {
  const left: Readonly<Record<string, Kind>> = {
    'equal values': { ...(kinds['a regressor'] as Kind), mode: 'BRANCH_EQ' },
    'at least': { ...(kinds['a regressor'] as Kind), mode: 'BRANCH_GTE' },
    'the least of all trees': { ...(kinds['a regressor'] as Kind), aggregate: 'MIN' },
    'labels beyond 2^53': { ...(kinds['a forest of two classes'] as Kind), labels: [0, 2 ** 60] },
    'two classes that are both weighed': { ...(kinds['a forest of two classes'] as Kind), weighsAll: true },
  };
  for (const [name, kind] of Object.entries(left)) {
    const onnx = ensembleOnnx(kind, createRng(5));
    const runtime = openRuntime(onnx);
    t.after(() => runtime.close());
    assert.equal(readTreeModel(onnx, runtime), null, name);
  }
});

test('trees that answer otherwise than the runtime are left to it', async (t) => {
  const onnx = ensembleOnnx(kinds['a regressor'] as Kind, createRng(3));
  const runtime = openRuntime(onnx);
  t.after(() => runtime.close());
  const other: GraphSession = {
    ...runtime,
    run: (feeds) => {
      const { scores } = runtime.run(feeds) as { scores: Tensor };
      const data = (scores.data as Float32Array).slice();
      data[data.length - 1] = (data.at(-1) as number) + 1e-6;
      return { scores: new Tensor('float32', data, scores.dims) };
    },
  };
  assert.equal(readTreeModel(onnx, other), null);
  assert.ok(readTreeModel(onnx, runtime));
});

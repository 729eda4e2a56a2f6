import assert from 'node:assert/strict';
import { test } from 'node:test';
import { comparedRows, formatSmall, packageText, placeOnScale } from './conversion.ts';

const report = {
  flavor: 'sklearn',
  rows: 300,
  maxAbsDifference: 8.7e-8,
  bound: 1e-3,
  used: true,
  problem: null,
  holdout: { rows: 1000, maxAbsDifference: 2e-3 },
};

test('the rows that were compared say whether they keep to the bound', () => {
  assert.deepEqual(
    comparedRows(report).map(({ rows, isWithin }) => [rows, isWithin]),
    [
      [300, true],
      [1000, false],
    ],
  );
  assert.deepEqual(comparedRows({ ...report, maxAbsDifference: null, holdout: null }), []);
});

test('what computes a version is said with the reason', () => {
  const onnx = packageText({ runtime: { kind: 'onnx' }, conversion: report });
  assert.match(onnx.why, /ONNX form of the scikit-learn model is served/);
  assert.match(packageText({ runtime: { kind: 'onnx' }, conversion: null }).why, /logged as ONNX/);
  const python = {
    kind: 'python',
    flavor: 'lightgbm',
    files: [],
    requirements: [],
    pythonVersion: null,
  } as const;
  const kept = packageText({
    runtime: { ...python, files: [], requirements: [] },
    conversion: { ...report, used: false, problem: 'the labels differ' },
  });
  assert.match(kept.runs, /LightGBM model itself/);
  assert.match(kept.why, /not served: the labels differ\./);
});

test('small numbers are readable and have their place on the scale', () => {
  assert.equal(formatSmall(8.716e-8), '8.7 × 10⁻⁸');
  assert.equal(formatSmall(0.001), '0.001');
  assert.equal(formatSmall(0), '0');
  assert.deepEqual([placeOnScale(0), placeOnScale(1e-8), placeOnScale(7)], [0, 0.5, 1]);
});

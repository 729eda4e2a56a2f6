import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type CurveInput, prepareCurves, seriesLook, smoothed } from './curves.ts';

const bucket = (step: number, value: number | 'NaN', seconds = step, more = {}) => ({
  step,
  value,
  time: new Date(seconds * 1000).toISOString(),
  min: value === 'NaN' ? null : value,
  max: value === 'NaN' ? null : value,
  count: 1,
  ...more,
});
const input = (buckets: CurveInput['buckets']): CurveInput[] => [{ id: 'a', name: 'a', buckets }];
const plain = { x: 'step', smoothing: 0, logY: false } as const;

test('NaN is a gap, and extremes of a bucket are kept beside its last value', () => {
  const [curve] = prepareCurves(
    input([bucket(0, 1), bucket(1, 'NaN'), bucket(2, 3, 2, { min: -5, max: 9, count: 40 })]),
    plain,
  );
  assert.deepEqual(curve?.raw, [1, null, 3]);
  assert.deepEqual(curve?.lows, [1, null, -5]);
  assert.deepEqual(curve?.highs, [1, null, 9]);
  assert.equal(curve?.hasBand, true);
});

test('an infinity, kept as the greatest double, is a gap: it would press everything else onto the axis', () => {
  const [curve] = prepareCurves(
    input([bucket(0, 1), bucket(1, Number.MAX_VALUE), bucket(2, -Number.MAX_VALUE), bucket(3, 2)]),
    plain,
  );
  assert.deepEqual(curve?.raw, [1, null, null, 2]);
  assert.deepEqual(curve?.highs, [1, null, null, 2]);
});

test('without steps the order is the axis; times can be the axis, absolute or from the first point', () => {
  const stuck = input([bucket(0, 1, 10), bucket(0, 2, 12), bucket(0, 3, 15)]);
  assert.deepEqual(prepareCurves(stuck, plain)[0]?.xs, [0, 1, 2]);
  assert.deepEqual(prepareCurves(stuck, { ...plain, x: 'time' })[0]?.xs, [10, 12, 15]);
  assert.deepEqual(prepareCurves(stuck, { ...plain, x: 'relative' })[0]?.xs, [0, 2, 5]);
});

test('on a log axis what is not positive cannot be drawn and is a gap', () => {
  const [curve] = prepareCurves(input([bucket(0, 1), bucket(1, 0), bucket(2, -2)]), { ...plain, logY: true });
  assert.deepEqual(curve?.raw, [1, null, null]);
});

test('smoothing keeps a constant constant, starts at the first value and leaves gaps', () => {
  assert.deepEqual(smoothed([0, 1, 2, 9], [4, 4, null, 4], 0.9), [4, 4, null, 4]);
  const line = smoothed([0, 50, 100], [0, 1, 1], 0.99);
  assert.equal(line[0], 0);
  assert.ok((line[1] ?? 0) > 0.5 && (line[2] ?? 0) > (line[1] ?? 0) && (line[2] ?? 0) < 1);
});

test('thirty-two curves look different from each other', () => {
  assert.equal(new Set(Array.from({ length: 32 }, (_, index) => JSON.stringify(seriesLook(index)))).size, 32);
});

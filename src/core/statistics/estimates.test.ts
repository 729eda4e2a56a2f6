import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRng } from '../rng.ts';
import { assertClose } from './assert-close.testing.ts';
import { binomialSample } from './binomial-sample.ts';
import { golden } from './golden.testing.ts';
import { emptyMoments, mergeMoments, momentsOf, varianceOf } from './moments.ts';
import { quantileEstimate } from './quantile-estimate.ts';
import { wilson } from './wilson.ts';

test('Wilson equals statsmodels; no rows is undefined', () => {
  for (const [k = 0, n = 0, low = 0, high = 0] of golden.multiple.wilson) {
    const estimate = wilson(k, n);
    assert.ok(Math.abs(estimate.low! - low) < 1e-10 && Math.abs(estimate.high! - high) < 1e-10);
  }
  assert.deepEqual(wilson(0, 0), { value: null, low: null, high: null, n: 0 });
});

test('moments merge to the moments of the whole', () => {
  const rng = createRng(1);
  const values = Float64Array.from({ length: 100 }, () => 1e6 + rng.normal());
  const merged = mergeMoments(momentsOf(values.subarray(0, 30)), momentsOf(values.subarray(30)));
  const whole = momentsOf(values);
  assertClose(merged.mean, whole.mean, 1e-14);
  assertClose(varianceOf(merged), varianceOf(whole)!, 1e-9);
  assert.deepEqual(mergeMoments(emptyMoments, whole), whole);
  const one = mergeMoments(momentsOf(values.subarray(0, 99)), momentsOf(values.subarray(99)));
  assert.equal(one.n, 100, 'one value alone counts too');
  assert.deepEqual(mergeMoments(whole, emptyMoments), whole);
  assert.equal(varianceOf(momentsOf([3])), null);
});

test('a quantile and its interval: covers as promised, open where the sample is too small', () => {
  const rng = createRng(2);
  let covered = 0;
  for (let r = 0; r < 400; r++) {
    const sample = Float64Array.from({ length: 500 }, () => rng.next()).sort();
    const { low, high } = quantileEstimate(sample, 0.9);
    if (low! <= 0.9 && 0.9 <= high!) covered++;
  }
  assert.ok(covered >= 0.925 * 400, `${covered} of 400`);
  const of = (n: number) =>
    quantileEstimate(
      Float64Array.from({ length: n }, (_, k) => k + 1),
      0.99,
    );
  assert.equal(of(367).high, null);
  assert.equal(of(368).high, 368);
  assert.equal(of(100).value, 99);
  assert.equal(quantileEstimate(new Float64Array(0), 0.5).value, null);
  assert.equal(quantileEstimate(Float64Array.from([7]), 0.5).value, 7);
});

test('binomial draws have the right mean and variance on every path', () => {
  const rng = createRng(9);
  for (const [n, p] of [
    [20, 0.1],
    [1000, 0.3],
    [100_000, 0.9],
    [50_000, 0.0001],
  ] as const) {
    const draws = momentsOf(Array.from({ length: 4000 }, () => binomialSample(n, p, rng)));
    const variance = n * p * (1 - p);
    assert.ok(Math.abs(draws.mean - n * p) < 4.5 * Math.sqrt(variance / 4000), `mean of ${n}, ${p}`);
    assertClose(varianceOf(draws), variance, 0.12, `variance of ${n}, ${p}`);
  }
  assert.deepEqual(
    [binomialSample(0, 0.5, rng), binomialSample(5, 0, rng), binomialSample(5, 1, rng)],
    [0, 0, 5],
  );
});

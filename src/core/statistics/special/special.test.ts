import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertClose } from '../assert-close.testing.ts';
import { golden } from '../golden.testing.ts';
import { chiSquareSurvival } from './chi-square-survival.ts';
import { kolmogorovSurvival } from './kolmogorov-survival.ts';
import { logGamma } from './log-gamma.ts';
import { normalQuantile } from './normal-quantile.ts';
import { normalTwoSidedP } from './normal-two-sided-p.ts';
import { regularisedBeta } from './regularised-beta.ts';
import { regularisedGammaQ } from './regularised-gamma.ts';
import { studentQuantile } from './student-quantile.ts';

const functions: Readonly<Record<string, (...args: number[]) => number>> = {
  logGamma,
  normalQuantile,
  normalTwoSidedP,
  regularisedGammaQ,
  regularisedBeta,
  kolmogorovSurvival,
  chiSquareSurvival,
};

for (const [name, rows] of Object.entries(golden.special)) {
  test(`${name} equals scipy`, () => {
    for (const row of rows) {
      const expected = row.at(-1) ?? Number.NaN;
      const actual = functions[name]!(...row.slice(0, -1));
      if (Math.abs(expected) < 1e-250) assert.ok(Math.abs(actual) < 1e-250);
      else assertClose(actual, expected, 1e-9, `${name}(${row.slice(0, -1)})`);
    }
  });
}

test("quantiles of Student's law, from tables", () => {
  for (const [probability, freedom, value] of [
    [0.975, 10, 2.228139],
    [0.975, 19, 2.093024],
    [0.95, 30, 1.697261],
    [0.995, 10, 3.169273],
    [0.025, 60, -2.000298],
    [0.975, 1e9, 1.959964],
  ] as const)
    assertClose(studentQuantile(probability, freedom), value, 1e-4);
});

test('special functions at and beyond the ends of their domain', () => {
  assert.equal(normalQuantile(0), Number.NEGATIVE_INFINITY);
  assert.equal(normalQuantile(1), Number.POSITIVE_INFINITY);
  for (const value of [
    normalQuantile(1.1),
    normalQuantile(Number.NaN),
    logGamma(0),
    regularisedGammaQ(0, 1),
    regularisedGammaQ(1, -1),
    regularisedBeta(1, 1, 2),
    kolmogorovSurvival(Number.NaN),
  ]) {
    assert.ok(Number.isNaN(value));
  }
  assert.equal(regularisedGammaQ(2, 0), 1);
  assert.equal(regularisedGammaQ(2, Number.POSITIVE_INFINITY), 0);
  assert.equal(regularisedBeta(2, 3, 0), 0);
  assert.equal(regularisedBeta(2, 3, 1), 1);
  assert.equal(kolmogorovSurvival(0), 1);
});

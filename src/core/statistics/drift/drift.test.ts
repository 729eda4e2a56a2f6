import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertClose } from '../assert-close.testing.ts';
import { golden } from '../golden.testing.ts';
import { benjaminiHochberg } from './benjamini-hochberg.ts';
import { categoricalDrift } from './categorical-drift.ts';
import { chiSquareTwoSample } from './chi-square-two-sample.ts';
import { contingencyTable } from './contingency-table.ts';
import { fisherExact } from './fisher-exact.ts';
import { jensenShannon } from './jensen-shannon.ts';
import { asymptoticPValue, kolmogorovSmirnov } from './kolmogorov-smirnov.ts';
import { missingRateChange } from './missing-rate-change.ts';
import { newCategories } from './new-categories.ts';
import { numericDrift } from './numeric-drift.ts';
import { numericSample } from './numeric-sample.ts';
import { rankWasserstein } from './rank-wasserstein.ts';

const counts = (row: readonly number[]) => new Map(row.map((count, k) => [`c${k}`, count]));
const repeat = (value: number, n: number) => numericSample(new Float64Array(n).fill(value));

test('Kolmogorov-Smirnov equals scipy ks_2samp, exact', () => {
  for (const { a, b, statistic, pValue } of golden.drift.ks) {
    const result = kolmogorovSmirnov(numericSample(a).sorted, numericSample(b).sorted);
    assertClose(result?.statistic ?? null, statistic, 1e-12);
    assertClose(result?.pValue ?? null, pValue, 1e-9);
  }
});

test('Kolmogorov-Smirnov for large samples is within 5e-3 of scipy kstwo', () => {
  for (const [n = 0, m = 0, d = 0, p = 0] of golden.drift.ksLarge) {
    assertClose(asymptoticPValue(d, n, m), p, 5e-3, `n ${n} m ${m}`);
  }
});

test('rank Wasserstein equals scipy wasserstein_distance of mid-ranks', () => {
  golden.drift.rankWasserstein.forEach((expected, k) => {
    const { a, b } = golden.drift.ks[k]!;
    assertClose(
      rankWasserstein(numericSample(a).sorted, numericSample(b).sorted)?.distance ?? null,
      expected,
    );
  });
});

test('chi-square, Jensen-Shannon and Fisher equal scipy', () => {
  for (const { table, statistic, df, pValue } of golden.drift.chiSquare) {
    const pooled = contingencyTable(counts(table[0]), counts(table[1]));
    const result = chiSquareTwoSample({
      ...pooled,
      cells: table[0].map((n, k) => [n, table[1][k]!]),
      other: null,
    });
    assertClose(result?.statistic ?? null, statistic);
    assert.equal(result?.df, df);
    assertClose(result?.pValue ?? null, pValue);
  }
  for (const { table, distance } of golden.drift.jensenShannon) {
    const cells = table[0].map((n, k) => [n, table[1][k]!] as const);
    const pooled = contingencyTable(counts(table[0]), counts(table[1]));
    assertClose(jensenShannon({ ...pooled, cells, other: null })?.distance ?? null, distance);
  }
  for (const { table, pValue } of golden.drift.fisher) {
    assertClose(fisherExact(table[0][0]!, table[0][1]!, table[1][0]!, table[1][1]!), pValue, 1e-9);
  }
});

test('Benjamini-Hochberg equals statsmodels; a test not made does not count', () => {
  for (const [p, expected] of golden.multiple.benjaminiHochberg) {
    benjaminiHochberg(p).forEach((value, k) => {
      assertClose(value, expected[k]!);
    });
  }
  assert.deepEqual(benjaminiHochberg([0.02, null]), [0.02, null]);
  assert.deepEqual(benjaminiHochberg([]), []);
});

test('missing rate: equals statsmodels, and is exact when cells are rare', () => {
  for (const [k1 = 0, n1 = 0, k2 = 0, n2 = 0, p = 0] of golden.multiple.proportions) {
    assertClose(missingRateChange({ missing: k1, rows: n1 }, { missing: k2, rows: n2 }).pValue, p);
  }
  const rare = missingRateChange({ missing: 0, rows: 5000 }, { missing: 1, rows: 100 });
  assertClose(rare.pValue, 100 / 5100, 1e-9);
  assert.equal(rare.verdict, 'stable');
  assert.equal(missingRateChange({ missing: 0, rows: 500 }, { missing: 250, rows: 500 }).verdict, 'drifted');
  assert.equal(missingRateChange({ missing: 0, rows: 500 }, { missing: 0, rows: 500 }).pValue, 1);
  assert.equal(missingRateChange({ missing: 500, rows: 500 }, { missing: 500, rows: 500 }).pValue, 1);
  assert.equal(missingRateChange({ missing: 0, rows: 0 }, { missing: 1, rows: 100 }).verdict, 'insufficient');
  assert.equal(
    missingRateChange({ missing: 0, rows: 500 }, { missing: 9, rows: 10 }).verdict,
    'insufficient',
    'ten rows are too few beside however many',
  );
});

test('edge cases that break other monitors give a verdict, never an exception', () => {
  const wide = numericSample(Float64Array.from({ length: 2000 }, (_, k) => Math.sin(k)));
  assert.equal(numericDrift(repeat(5, 100), repeat(5, 100)).pValue, 1);
  assert.equal(numericDrift(repeat(5, 100), repeat(7, 100)).verdict, 'drifted');
  assert.equal(numericDrift(repeat(5, 100), repeat(3, 100)).verdict, 'drifted');
  for (const empty of [numericSample([]), numericSample([Number.NaN, Number.NaN])]) {
    assert.equal(numericDrift(wide, empty).verdict, 'insufficient');
    assert.equal(numericDrift(empty, wide).pValue, null);
  }
  assert.equal(numericDrift(wide, repeat(0, 10)).verdict, 'insufficient');
  const set = numericSample([1, Number.NaN, Number.POSITIVE_INFINITY, -2, Number.NEGATIVE_INFINITY]);
  assert.deepEqual([...set.sorted], [-2, 1]);
  assert.deepEqual([set.missing, set.infinite], [1, 2]);
  const tiny = (scale: number, shift: number) =>
    numericSample(Float64Array.from({ length: 2000 }, (_, k) => scale * (Math.sin(k) + shift)));
  assert.equal(numericDrift(tiny(1e-9, 0), tiny(1e-9, 1)).verdict, 'drifted');
});

test('one row of a new category is no drift; many are; none left is insufficient', () => {
  const reference = counts([3000, 2000]);
  const one = new Map([...counts([58, 41]), ['new', 1]]);
  assert.equal(categoricalDrift(reference, one).verdict, 'stable');
  const many = new Map([...counts([50, 35]), ['new', 15]]);
  assert.equal(categoricalDrift(reference, many).verdict, 'drifted');
  assert.deepEqual(newCategories(reference, many), [{ value: 'new', count: 15, ratio: 0.15 }]);
  assert.equal(categoricalDrift(reference, new Map()).verdict, 'insufficient');
  assert.equal(categoricalDrift(counts([100]), counts([100])).verdict, 'stable');
  assert.equal(categoricalDrift(counts([100]), new Map([['other', 100]])).verdict, 'drifted');
  const unequal = categoricalDrift(counts([3000, 2000, 0]), counts([59, 41, 0]));
  assert.equal(unequal.df, 1);
});

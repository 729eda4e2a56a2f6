import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRng, type Rng } from '../../../core/rng.ts';
import { monitorSpecSchema } from '../contract.ts';
import { type ColumnKind, columnValues } from './column-values.ts';
import { compareBins } from './compare-bins.ts';
import { compareColumn } from './compare-column.ts';
import { judgeColumns } from './judge-columns.ts';
import { naturalEffect, referenceWindows } from './natural-effect.ts';

const spec = monitorSpecSchema.parse({}).drift;

function judge(
  columns: readonly {
    readonly kind: ColumnKind;
    readonly reference: unknown[];
    readonly current: unknown[];
  }[],
) {
  return judgeColumns(
    columns.map(({ kind, reference, current }, i) =>
      compareColumn(
        `c${i}`,
        'feature',
        { values: columnValues(reference, kind), naturalEffect: null },
        columnValues(current, kind),
        spec,
      ),
    ),
    spec,
  );
}

const many = (n: number, value: (i: number) => unknown) => Array.from({ length: n }, (_, i) => value(i));

test('categories are written alike whatever type a file gives them', () => {
  const whole = columnValues([7, '7', 7.0, null, Number.NaN], 'whole');
  assert.deepEqual([whole.kind === 'categorical' && [...whole.counts], whole.missing], [[['7', 3]], 2]);
  const truth = columnValues([true, 1, 'true', '1', false, 0, null], 'boolean');
  assert.deepEqual(truth.kind === 'categorical' && [...truth.counts], [
    ['true', 4],
    ['false', 2],
  ]);
});

test('bins cover every value on both sides, outliers in the outer ones', () => {
  const reference = columnValues(
    many(1000, (i) => i),
    'numeric',
  );
  const current = columnValues([-1e9, 5, 500, 1e12], 'numeric');
  const bins = compareBins(reference, current);
  assert.equal(bins.edges?.length, 21);
  assert.equal(
    bins.reference.reduce((a, b) => a + b),
    1000,
  );
  assert.deepEqual([bins.current[0], bins.current.at(-1)], [2, 1]);
  const categories = compareBins(
    columnValues(
      many(100, (i) => `c${i % 30}`),
      'text',
    ),
    columnValues(['new'], 'text'),
  );
  assert.deepEqual([categories.categories?.[0], categories.categories?.at(-1)], ['new', '(other)']);
  assert.equal(
    categories.reference.reduce((a, b) => a + b),
    100,
  );
});

test('what gives no answer says so and never throws', () => {
  const [empty, constant, absent, few, unequal, fewBefore] = judge([
    { kind: 'numeric', reference: many(500, (i) => i), current: many(500, () => null) },
    { kind: 'numeric', reference: many(500, () => 1), current: many(500, () => 1) },
    { kind: 'text', reference: [], current: many(500, () => 'a') },
    { kind: 'numeric', reference: many(500, (i) => i), current: many(50, (i) => i + 1000) },
    { kind: 'numeric', reference: many(5000, (i) => i), current: many(300, (i) => i * 16) },
    { kind: 'numeric', reference: many(10, (i) => i), current: many(500, (i) => i) },
  ]);
  assert.deepEqual([empty?.verdict, empty?.missing.verdict], ['no-data', 'drifted']);
  assert.equal(constant?.verdict, 'stable');
  assert.equal(absent?.verdict, 'no-data');
  assert.deepEqual([few?.verdict, few?.missing.verdict], ['insufficient', 'insufficient']);
  assert.equal(unequal?.verdict, 'stable');
  assert.match(few?.reason ?? '', /50 rows are too few to say \(at least 200\)/);
  assert.equal(fewBefore?.verdict, 'insufficient');
  assert.match(fewBefore?.reason ?? '', /500 rows, beside 10 of the reference, are too few for a test$/);
});

test('without a change at most 2 % of columns drift; a shift of 0.3 sd and a new category are found', () => {
  const rng = createRng(11);
  const laws: readonly ((rng: Rng) => unknown)[] = [
    (r) => r.normal(),
    (r) => Math.exp(r.normal()),
    (r) => (r.next() < 0.9 ? 0 : r.next()),
    (r) => (1 - r.next()) ** (-1 / 1.5),
  ];
  const categories: readonly ((rng: Rng) => unknown)[] = [
    (r) => String(r.int(5)),
    (r) => String(Math.floor(50 * r.next() ** 3)),
  ];
  const draw = (n: number, law: (rng: Rng) => unknown) => many(n, () => law(rng));
  let drifted = 0;
  let columns = 0;
  for (let i = 0; i < 60; i++) {
    const verdicts = judge([
      ...laws.map((law) => ({
        kind: 'numeric' as const,
        reference: draw(3000, law),
        current: draw(800, law),
      })),
      ...categories.map((law) => ({
        kind: 'text' as const,
        reference: draw(3000, law),
        current: draw(800, law),
      })),
    ]);
    columns += verdicts.length;
    drifted += verdicts.filter((c) => c.verdict === 'drifted' || c.missing.verdict === 'drifted').length;
  }
  assert.ok(drifted / columns <= 0.02, `${drifted} of ${columns}`);
  const [shifted, fresh] = judge([
    {
      kind: 'numeric',
      reference: draw(3000, (r) => r.normal()),
      current: draw(800, (r) => r.normal() + 0.3),
    },
    {
      kind: 'text',
      reference: draw(3000, (r) => String(r.int(5))),
      current: draw(800, (r) => (r.next() < 0.15 ? 'new' : String(r.int(5)))),
    },
  ]);
  assert.deepEqual([shifted?.verdict, fresh?.verdict], ['drifted', 'drifted']);
  assert.ok((fresh?.newCategories.ratio ?? 0) > 0.1);
});

test('a column that changes from window to window by nature must move by more than that', () => {
  const day = 86_400_000;
  const rng = createRng(3);
  const times = many(7000, (i) => Math.floor(i / 250) * day + rng.int(day)) as number[];
  const weekdays = times.map((time) => Math.floor(time / day) % 7);
  const values = columnValues(weekdays, 'whole');
  const windows = referenceWindows(times, 'day').map((rows) => rows.map((row) => weekdays[row]));
  assert.equal(windows.length, 28);
  const natural = naturalEffect(values, windows, 'whole');
  const monday = columnValues(
    many(250, () => 3),
    'whole',
  );
  const compare = (naturalEffect: number | null, current: typeof monday) =>
    judgeColumns([compareColumn('weekday', 'feature', { values, naturalEffect }, current, spec)], spec)[0]
      ?.verdict;
  assert.equal(compare(null, monday), 'drifted');
  assert.equal(compare(natural, monday), 'stable');
  // In windows of a week the weekday does not change by nature, and a week of Mondays is drift.
  const weekly = naturalEffect(
    values,
    referenceWindows(times, 'week').map((rows) => rows.map((row) => weekdays[row])),
    'whole',
  );
  assert.ok(weekly === null || weekly < 0.05);
  assert.equal(compare(weekly, monday), 'drifted');
});

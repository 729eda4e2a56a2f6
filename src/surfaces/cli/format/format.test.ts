import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lineDiff } from './line-diff.ts';
import { facts, table } from './table.ts';
import { ago, bytes, count, eventTime, lasted, more, percent, short } from './text.ts';

const nowMs = Date.parse('2001-02-10T00:00:00Z');
const before = (ms: number): string => new Date(nowMs - ms).toISOString();

test('a table is aligned, numbers to the right, the last column cut to the terminal', () => {
  const rows = [
    { name: 'a', n: 5, why: 'first\nsecond' },
    { name: 'long-name', n: 12_345, why: 'x'.repeat(100) },
  ];
  const columns = [
    { head: 'name', value: (row: (typeof rows)[number]) => row.name },
    { head: 'n', value: (row: (typeof rows)[number]) => row.n, align: 'right' as const },
    { head: 'why', value: (row: (typeof rows)[number]) => row.why },
  ];
  assert.equal(
    table(columns, rows, 30),
    ['name           n  why', 'a              5  first · sec…', `long-name  12345  ${'x'.repeat(11)}…`].join(
      '\n',
    ),
  );
  assert.ok(table(columns, rows, Number.POSITIVE_INFINITY).endsWith('x'.repeat(100)));
  const ids = [{ head: 'id', value: (row: string) => row, isWhole: true as const }];
  assert.ok(table(ids, ['x'.repeat(36)], 20).endsWith('x'.repeat(36)), 'ids are not cut');
});

test('facts without a value are left out', () => {
  assert.equal(
    facts([
      ['loop', 'late'],
      ['champion', null],
      ['waits for', 'traffic'],
    ]),
    'loop       late\nwaits for  traffic',
  );
});

test('times read as people say them', () => {
  assert.equal(ago(before(500), nowMs), 'just now');
  assert.equal(ago(before(-5000), nowMs), 'just now');
  assert.equal(ago(before(12_000), nowMs), '12 s ago');
  assert.equal(ago(before(252_000), nowMs), '4 min ago');
  assert.equal(ago(before(11_100_000), nowMs), '3 h ago');
  assert.equal(ago(before(40 * 86_400_000), nowMs), '2001-01-01');
  assert.equal(ago(null, nowMs), '–');
  assert.equal(lasted(before(2000), null, nowMs), '2 s');
  assert.equal(lasted(null, null, nowMs), '–');
  assert.equal(eventTime('2001-02-03T04:05:06.000Z'), '2001-02-03 04:05');
});

test('numbers, sizes and ids', () => {
  assert.equal(count(1, 'row'), '1 row');
  assert.equal(count(2345, 'row'), '2,345 rows');
  assert.equal(percent(0.005), '0.5%');
  assert.equal(bytes(0), '0 B');
  assert.equal(bytes(1_234_567), '1.2 MB');
  assert.equal(short(`sha256:${'ab'.repeat(32)}`), 'abababababab');
  assert.equal(more(5, null), '');
  assert.match(more(5, 'token'), /5 shown; there are more/);
});

test('a diff holds the changed lines only, in order', () => {
  assert.deepEqual(lineDiff('a\nb\nc\nd', 'a\nB\nc\nd\ne'), ['- b', '+ B', '+ e']);
  assert.deepEqual(lineDiff('a\nb', 'a\nb'), []);
  assert.deepEqual(lineDiff('', 'a'), ['- ', '+ a']);
});

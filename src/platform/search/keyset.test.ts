import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { MillraceError } from '../../core/errors.ts';
import { cutPage, pageToken, readPageToken, type SortColumn } from './keyset.ts';

const column = (type: NonNullable<SortColumn['type']>): SortColumn => ({
  expression: sql`x`,
  descending: false,
  type,
});

test('a page token gives its values back, and nothing else is one', () => {
  const values = ['a"b', 0.1, -5e-324];
  assert.deepEqual(readPageToken(pageToken(values), 3), values);
  const offset = Buffer.from('{"offset": 3}').toString('base64');
  const forged = Buffer.from('{"after": [1, {}, null]}').toString('base64');
  for (const bad of ['', '!!', 'bnVsbA==', pageToken([1]), offset, forged]) {
    assert.throws(() => readPageToken(bad, 3), MillraceError, bad);
  }
});

test('a page token is good for its own list and order only', () => {
  const columns = [column('integer'), column('real'), column('text')];
  const token = pageToken([1, 0.5, 'a'], 'runs by loss');
  assert.deepEqual(readPageToken(token, columns, 'runs by loss'), [1, 0.5, 'a']);
  assert.throws(() => readPageToken(token, columns, 'runs by accuracy'), MillraceError);
  for (const values of [
    ['1', 0.5, 'a'],
    [1.5, 0.5, 'a'],
    [1, 'x', 'a'],
    [1, 0.5, 7],
    [1, 0.5, 'a\0'],
  ]) {
    const other = pageToken(values, 'runs by loss');
    assert.throws(() => readPageToken(other, columns, 'runs by loss'), MillraceError, JSON.stringify(values));
  }
});

test('a page says that there is another only where a row more than asked for was found', () => {
  const rows = [1, 2, 3].map((n) => ({ n, sort: [n] }));
  const { items, next } = cutPage(rows, 2);
  assert.deepEqual([items.map(({ n }) => n), next], [[1, 2], pageToken([2])]);
  assert.equal(cutPage(rows, 3).next, null);
});

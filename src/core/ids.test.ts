import assert from 'node:assert/strict';
import { test } from 'node:test';
import { uuidv7 } from './ids.ts';

test('ids of one millisecond sort as they were made, and differ', () => {
  const ids = Array.from({ length: 3000 }, () => uuidv7(1_700_000_000_000));
  assert.deepEqual(ids.toSorted(), ids);
  assert.ok(ids.every((id) => /^018bcfe5-6800-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id)));
  const many = Array.from({ length: 10_000 }, () => uuidv7(1_700_000_000_001));
  assert.equal(new Set(many).size, many.length);
});

test('ids of later milliseconds sort behind', () => {
  const ids = [1, 2, 2 ** 20, 2 ** 40, 2 ** 47].map((ms) => uuidv7(ms));
  assert.deepEqual(ids.toSorted(), ids);
});

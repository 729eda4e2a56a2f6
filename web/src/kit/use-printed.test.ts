import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MOST_PRINTED, unprintedNote } from './use-printed.ts';

test('paper says which rows it has only where some are missing', () => {
  assert.equal(unprintedNote(MOST_PRINTED), null);
  assert.equal(unprintedNote(10_000), 'The first 1\u202f000 of 10\u202f000 rows');
});

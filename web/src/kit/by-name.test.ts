import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byName } from './by-name.ts';

test('numbers within names count as numbers, letters as letters of a language', () => {
  const names = ['many-10', 'Zeit', 'many-2', 'Ähre', 'many', 'v1.10', 'v1.9'];
  assert.deepEqual(names.toSorted(byName), ['Ähre', 'many', 'many-2', 'many-10', 'v1.9', 'v1.10', 'Zeit']);
});

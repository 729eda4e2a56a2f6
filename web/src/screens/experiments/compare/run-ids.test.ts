import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MOST_RUNS, packRunIds, unpackRunIds } from './run-ids.ts';

const ids = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => (index * 7919 + 1).toString(16).padStart(32, 'f0e1'));

test('ids come back as they went in, few or many, of any form', () => {
  for (const list of [ids(1), ids(24), ids(25), ids(MOST_RUNS), ['run-a', 'run-b'], [...ids(30), 'other']])
    assert.deepEqual(unpackRunIds(packRunIds(list)), list);
});

test('a comparison of the most runs fits into an address', () => {
  assert.ok(packRunIds(ids(MOST_RUNS)).length < 11_100);
  assert.equal(unpackRunIds(packRunIds(ids(MOST_RUNS + 5))).length, MOST_RUNS);
});

test('what is no id is dropped, and doubles too', () => {
  assert.deepEqual(unpackRunIds("a,a,b' OR 1,,"), ['a']);
  assert.deepEqual(unpackRunIds('~short'), []);
});

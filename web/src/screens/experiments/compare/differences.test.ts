import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Run } from '../../../../../src/lifecycle/experiments/contract.ts';
import { axisOf, keyRows, placeOn } from './differences.ts';

const run = (params: Record<string, string>, tags: Record<string, string> = {}) =>
  ({ params, tags }) as unknown as Run;

test('only what differs is shown, unless all is asked for; MLflow own tags never', () => {
  const runs = [
    run({ a: '1', b: 'x' }, { team: 'ops', 'mlflow.user': 'u' }),
    run({ a: '2', b: 'x' }, { team: 'ops' }),
    run({ a: '2', b: 'x', c: '' }),
  ];
  assert.deepEqual(
    keyRows(runs, false).map((row) => [row.kind, row.key, row.usual]),
    [
      ['param', 'a', '2'],
      ['param', 'c', undefined],
      ['tag', 'team', 'ops'],
    ],
  );
  assert.deepEqual(
    keyRows(runs, true).map((row) => row.key),
    ['a', 'c', 'b', 'team'],
  );
});

test('texts that are all numbers make a numeric axis, others make categories of whole texts', () => {
  const numbers = axisOf(['0.1', undefined, '10']);
  assert.deepEqual([numbers.kind, numbers.values], ['number', [0.1, null, 10]]);
  const long = 'a'.repeat(40);
  const words = axisOf([`${long}1`, `${long}2`, '3']);
  assert.ok(words.kind === 'text' && words.words.length === 3);
});

test('places on an axis, also on a logarithmic and a flat one', () => {
  const axis = axisOf([1, 100]);
  assert.equal(placeOn(axis, 10, true), 0.5);
  assert.equal(placeOn(axis, 50.5, false), 0.5);
  assert.equal(placeOn(axisOf([5, 5]), 5, false), 0.5);
  assert.equal(placeOn(axisOf([0, 10]), 5, true), 0.5);
});

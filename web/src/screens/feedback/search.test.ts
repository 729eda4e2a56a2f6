import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromField, toField } from '../../kit/span.ts';
import { choices, filtersOf, noFilters, predictionsSearch } from './search.ts';

test('any arm may be asked for, and only what fits the API is sent', () => {
  const search = predictionsSearch({
    arm: 'b',
    version: 3,
    labelled: 'maybe',
    minScore: 0.5,
    feature: 'region',
  });
  assert.deepEqual(search, { arm: 'b', version: '3', minScore: '0.5', feature: 'region' });
  assert.deepEqual(filtersOf(search), { arm: 'b', modelVersion: '3', minScore: '0.5' });
  assert.deepEqual(filtersOf({ ...search, value: '2', id: 'x', endpoint: 'e' }), {
    arm: 'b',
    modelVersion: '3',
    minScore: '0.5',
    feature: 'region',
    value: '2',
  });
  assert.ok('arm' in noFilters && !('endpoint' in noFilters));
});

test('what occurs can be chosen, each once, with what is chosen already', () => {
  const found = [
    { name: 'champion', rows: 10 },
    { name: 'b', rows: 3 },
    { name: 'champion', rows: 5 },
  ];
  assert.deepEqual(choices(found, 'z'), [
    { name: 'champion', rows: 15 },
    { name: 'b', rows: 3 },
    { name: 'z', rows: 0 },
  ]);
});

test('times of fields are UTC', () => {
  assert.equal(fromField('2026-01-31T08:00'), '2026-01-31T08:00:00Z');
  assert.equal(fromField(''), undefined);
  assert.equal(toField('2026-01-31T08:00:00Z'), '2026-01-31T08:00');
});

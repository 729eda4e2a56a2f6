import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fail } from '../../../../src/core/errors.ts';
import { sentInstead } from './sent-instead.ts';

test('a refused value is read from the error that quotes it, and of no other feature', () => {
  const errorOf = (value: string, row = '', predictionId = 'ask-3') => ({
    predictionId,
    error: fail('input_invalid', { input: 'x "1"', row, value, expected: 'a number', endpoint: 'e' }).message,
  });
  assert.equal(sentInstead(errorOf('"not; expected"'), 'x "1"'), '"not; expected"');
  assert.equal(sentInstead(errorOf('Infinity', ' of row 3'), 'x "1"'), 'Infinity');
  assert.equal(sentInstead(errorOf('Infinity', ' of row 3', 'ask-2'), 'x "1"'), null);
  assert.equal(sentInstead(errorOf('missing'), 'x "1"'), null);
  assert.equal(sentInstead(errorOf('"a"'), 'x2'), null);
  assert.equal(sentInstead({ error: null, predictionId: 'ask-3' }, 'x2'), null);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fail } from '../../../core/errors.ts';
import { Lately } from './lately.ts';

test('predictions of the last five minutes count, by endpoint, and what callers got wrong apart from what failed here; those before them, copies and callers who left do not', () => {
  let nowMs = 1_000_000;
  const lately = new Lately(() => nowMs);
  const refused = fail('input_invalid', {
    input: 'x',
    row: '',
    value: 1,
    expected: 'text',
    endpoint: 'tide',
  });
  const late = fail('python_timeout', { model: 'm', timeoutMs: 1 });
  lately.count('tide', 'champion', null, 3);
  lately.count('tide', 'challenger', refused, 1);
  lately.count('tide', 'shadow', null, 4);
  lately.count('tide', 'champion', fail('cancelled', {}), 5);
  lately.count('ebb', 'shadow', null, 1);
  assert.deepEqual(lately.counts, [{ endpoint: 'tide', predictions: 4, failed: 0, refused: 1 }]);
  nowMs += 200_000;
  lately.count('tide', 'champion', late, 10);
  lately.count('ebb', 'champion', null, 1);
  assert.deepEqual(lately.counts, [
    { endpoint: 'tide', predictions: 14, failed: 10, refused: 1 },
    { endpoint: 'ebb', predictions: 1, failed: 0, refused: 0 },
  ]);
  nowMs += 101_000;
  assert.deepEqual(lately.counts[0], { endpoint: 'tide', predictions: 10, failed: 10, refused: 0 });
  nowMs += 10_000_000;
  assert.deepEqual(lately.counts, []);
});

test('who looked at the clock before a slot ended takes nothing from the one that has begun', () => {
  const lately = new Lately(() => 30_001);
  lately.count('tide', 'champion', null, 3, 30_000);
  lately.count('tide', 'champion', null, 2, 29_999);
  assert.deepEqual(lately.counts, [{ endpoint: 'tide', predictions: 5, failed: 0, refused: 0 }]);
});

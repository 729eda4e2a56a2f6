import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lately } from './lately.ts';

test('predictions of the last five minutes count, by endpoint; those before them, copies and callers who left do not', () => {
  let nowMs = 1_000_000;
  const lately = new Lately(() => nowMs);
  lately.count('tide', 'champion', 'ok', 3);
  lately.count('tide', 'challenger', 'input_invalid', 1);
  lately.count('tide', 'shadow', 'ok', 4);
  lately.count('tide', 'champion', 'cancelled', 5);
  lately.count('ebb', 'shadow', 'ok', 1);
  assert.deepEqual(lately.counts, [{ endpoint: 'tide', predictions: 4, failed: 1 }]);
  nowMs += 200_000;
  lately.count('tide', 'champion', 'timeout', 10);
  lately.count('ebb', 'champion', 'ok', 1);
  assert.deepEqual(lately.counts, [
    { endpoint: 'tide', predictions: 14, failed: 11 },
    { endpoint: 'ebb', predictions: 1, failed: 0 },
  ]);
  nowMs += 101_000;
  assert.deepEqual(lately.counts[0], { endpoint: 'tide', predictions: 10, failed: 10 });
  nowMs += 10_000_000;
  assert.deepEqual(lately.counts, []);
});

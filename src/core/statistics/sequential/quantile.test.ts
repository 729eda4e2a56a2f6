import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRng } from '../../rng.ts';
import { quantileConfidenceSequence } from './quantile-confidence-sequence.ts';

test('ranks hold the quantile and close in on it', () => {
  assert.deepEqual(quantileConfidenceSequence(0, 0.5, 0.05), { low: null, high: null });
  assert.equal(quantileConfidenceSequence(100, 0.99, 0.05).high, null);
  const { low, high } = quantileConfidenceSequence(10_000, 0.5, 0.05);
  assert.ok(low !== null && high !== null && low < 5000 && high > 5000 && high - low < 450, `${low} ${high}`);
  const tail = quantileConfidenceSequence(3000, 0.99, 0.05);
  assert.ok(tail.low !== null && tail.high !== null && tail.low < 2970 && tail.high > 2970);
});

test('of 500 streams at most alpha leave the true median and 90th percentile, looked at again and again', () => {
  const rng = createRng(4);
  for (const p of [0.5, 0.9]) {
    let missed = 0;
    for (let stream = 0; stream < 500; stream++) {
      let below = 0;
      for (let n = 1; n <= 2000; n++) {
        // The stream is uniform: its p-quantile is p.
        if (rng.next() <= p) below++;
        if (n % 10 !== 0) continue;
        const { low, high } = quantileConfidenceSequence(n, p, 0.05);
        // The low-th smallest is at most p when `low` values are; the high-th is above p when fewer are.
        if ((low !== null && below < low) || (high !== null && below >= high)) {
          missed++;
          break;
        }
      }
    }
    assert.ok(missed <= 25 + 2 * Math.sqrt(500 * 0.05 * 0.95), `${missed} of 500 at ${p}`);
  }
});

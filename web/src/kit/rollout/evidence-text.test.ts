import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ArmComparison } from '../../../../src/loop/contract.ts';
import { boundsOf, comparisonText, withVersion } from './evidence-text.ts';

test('bounds say what is decided at them', () => {
  const canary = { isPrimary: true, isCanary: true, prove: 'notWorse', margin: 0.02 } as const;
  assert.deepEqual(boundsOf(canary), [
    { value: 0, label: 'all below: abort' },
    { value: -0.02, label: 'all above −0.02: not worse' },
  ]);
  assert.deepEqual(
    boundsOf({ ...canary, isPrimary: false, margin: 0.05 }).map((bound) => bound.value),
    [-0.05],
  );
  assert.deepEqual(boundsOf({ ...canary, prove: 'better', isCanary: false }), [
    { value: 0, label: 'all above 0: better; all below: worse' },
  ]);
});

test('a check of one of several arms names the arm as the screens do', () => {
  const versions = new Map([
    ['b', '2'],
    ['of b', '3'],
  ]);
  assert.equal(withVersion('errors of b', versions), 'errors of v2 b');
  assert.equal(withVersion('only b', versions), 'only v2 b');
  assert.equal(
    withVersion('latency beside the champion of of b', versions),
    'latency beside the champion of v3 of b',
  );
  for (const name of ['errors', 'split', 'even split', 'errors of c'])
    assert.equal(withVersion(name, versions), name);
});

test('a comparison is one sentence: which is better, whether it is proved, and the interval', () => {
  const compared = (difference: number | null, low: number, high: number, verdict = 'undecided') =>
    ({ metric: 'logLoss', difference, low, high, margin: 0.02, verdict, n: 40 }) as ArmComparison;
  assert.equal(
    comparisonText(compared(0.012, 0.004, 0.02, 'better'), '1', '2'),
    'v2 is proved better than v1: log loss 0.012 better, between 0.004 and 0.020.',
  );
  assert.equal(
    comparisonText(compared(-0.9, -1.2, -0.6, 'worse'), '1', '2'),
    'v2 is proved worse than v1: log loss 0.9 worse, between 0.6 and 1.2.',
  );
  assert.equal(
    comparisonText(compared(0.002, -0.0073, 0.0113, 'notWorse'), '1', '2'),
    'v2 is proved not worse than v1 (by more than 0.02), but not better: log loss 0.002 better so far; from 0.007 worse to 0.011 better is possible.',
  );
  assert.equal(
    comparisonText(compared(0.00001, -0.3, 0.3), '1', '2'),
    'It is not proved yet which is better, v2 or v1: log loss the same so far; from 0.3 worse to 0.3 better is possible.',
  );
  assert.equal(
    comparisonText(compared(null, 0, 0), '1', '2', 1200),
    'Too few labelled outcomes to compare v2 with v1 by log loss: 40 so far, 1\u202f200 are needed.',
  );
  assert.equal(
    comparisonText(compared(null, 0, 0), '1', '2'),
    'Too few labelled outcomes to compare v2 with v1 by log loss: 40 so far.',
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unusableLabels } from './unusable-labels.ts';

test('labels that a metric cannot be computed of are told, and what it takes', () => {
  const numbers = [
    { labelled: 1200, mean: null },
    { labelled: 0, mean: null },
  ];
  assert.match(
    unusableLabels('logLoss', numbers) ?? '',
    /^labels that logLoss takes \(0 or 1, of scores between 0 and 1\): none of the 1,200 that came is one; abort it/,
  );
  assert.equal(unusableLabels('logLoss', [...numbers, { labelled: 1, mean: 0.3 }]), null);
  assert.equal(unusableLabels('absoluteError', [{ labelled: 0, mean: null }]), null);
  assert.equal(unusableLabels('absoluteError', [{ labelled: 19, mean: null }]), null);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { boundsOf } from './evidence-text.ts';

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

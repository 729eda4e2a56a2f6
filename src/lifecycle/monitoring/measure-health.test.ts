import assert from 'node:assert/strict';
import { test } from 'node:test';
import { healthCauses } from './alerts/cause.ts';
import { measureHealth } from './measure-health.ts';

test('what callers got wrong is no error, but a window that is mostly refused is bad and opens an alert', () => {
  const spec = { maxErrorRatio: 0.01 };
  const of = (requests: number, failed: number, refused: number) =>
    measureHealth({ requests, failed, refused, nonFinite: 0, latencyMs: null }, 86_400_000, spec);
  const some = of(1000, 0, 300);
  assert.deepEqual([some.verdict, some.reason], ['good', '1000 requests, 0 errors, 300 refused']);
  const most = of(1000, 0, 700);
  assert.deepEqual(
    [most.verdict, most.reason],
    ['bad', '70 % of 1000 requests were refused for what callers sent'],
  );
  assert.deepEqual(
    healthCauses(most, spec).map(({ kind, value, threshold }) => [kind, value, threshold]),
    [['refused', 0.7, 0.5]],
  );
  const failing = of(1000, 50, 500);
  assert.equal(failing.errorRatio.value, 0.1);
  assert.deepEqual(
    healthCauses(failing, spec).map(({ kind, reason }) => [kind, reason]),
    [['errors', '10 % of 500 requests failed (limit 1 %)']],
  );
});

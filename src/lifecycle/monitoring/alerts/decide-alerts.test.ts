import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Cause } from './cause.ts';
import { closingKinds, decideAlerts, maturingKinds, type StandingAlert } from './decide-alerts.ts';

const cause = (kind: Cause['kind'], subject = ''): Cause => ({
  kind,
  subject,
  severity: 'watch',
  value: 1,
  threshold: 0.5,
  reason: `${kind} ${subject}`,
});
const twoOfThree = { windows: 2, outOf: 3 };
const drift = cause('feature-drift', 'distance');
const standing: StandingAlert = { id: 'a1', modelVersion: '1', kind: 'feature-drift', subject: 'distance' };

test('one window alone opens nothing, the second of three does', () => {
  assert.deepEqual(decideAlerts([[drift]], [], closingKinds, twoOfThree), []);
  assert.deepEqual(decideAlerts([[drift], [], []], [], closingKinds, twoOfThree), []);
  assert.deepEqual(decideAlerts([[drift], [], [drift]], [], closingKinds, twoOfThree), [
    { act: 'open', cause: drift },
  ]);
  assert.deepEqual(decideAlerts([[drift], [], [], [drift]], [], closingKinds, twoOfThree), []);
  assert.deepEqual(decideAlerts([[], [drift], [drift]], [], closingKinds, twoOfThree), []);
});

test('a standing alert takes the same cause as evidence, another column is another alert', () => {
  const other = cause('feature-drift', 'origin');
  assert.deepEqual(decideAlerts([[drift, other], [other]], [standing], closingKinds, twoOfThree), [
    { act: 'confirm', alertId: 'a1', cause: drift },
    { act: 'open', cause: other },
  ]);
});

test('it is resolved when gone from the newest and from most windows', () => {
  assert.deepEqual(decideAlerts([[], [drift], [drift]], [standing], closingKinds, twoOfThree), []);
  assert.deepEqual(decideAlerts([[], [], [drift]], [standing], closingKinds, twoOfThree), [
    { act: 'resolve', alertId: 'a1', resolution: 'in 1 of the last 3 windows, not in the newest' },
  ]);
});

test('errors open at once; performance is decided only when it matures', () => {
  const errors = cause('errors');
  assert.deepEqual(decideAlerts([[errors]], [], closingKinds, twoOfThree), [{ act: 'open', cause: errors }]);
  const worse = cause('performance', 'logLoss');
  assert.deepEqual(decideAlerts([[worse], [worse]], [], closingKinds, twoOfThree), []);
  assert.deepEqual(decideAlerts([[worse], [worse]], [], maturingKinds, twoOfThree), [
    { act: 'open', cause: worse },
  ]);
  assert.deepEqual(decideAlerts([[]], [standing], maturingKinds, twoOfThree), []);
});

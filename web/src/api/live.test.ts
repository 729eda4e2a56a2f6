import assert from 'node:assert/strict';
import { test } from 'node:test';
import { touchedBy } from './live.ts';

test('each kind of event makes old what it changes, and the audit trail', () => {
  assert.deepEqual(touchedBy('run.logged'), ['experiments', 'runs', 'run-columns', 'audit', 'events']);
  assert.ok(touchedBy('turn.changed').includes('endpoints'));
  assert.ok(touchedBy('model.promoted').includes('registry'));
  assert.ok(touchedBy('window.matured').includes('windows'));
  assert.ok(touchedBy('label-segment.sealed').includes('feedback'));
  assert.deepEqual(touchedBy('something.new'), ['audit', 'events']);
});

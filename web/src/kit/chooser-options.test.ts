import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fits } from './chooser-options.ts';

test('a choice is found by parts of its words in any order', () => {
  assert.ok(fits('fraud-scores-EU', 'eu  fraud'));
  assert.ok(fits('fraud-scores-EU', ' '));
  assert.ok(!fits('fraud-scores-us', 'fraud eu'));
});

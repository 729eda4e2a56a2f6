import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryLimitOf } from './memory-limit.ts';

const gigabyte = 1024 ** 3;

test('the engine takes a quarter of a small container, and what is set elsewhere', () => {
  assert.equal(memoryLimitOf('1GB', 2 * gigabyte), '512MB');
  assert.equal(memoryLimitOf('1GB', gigabyte / 8), '64MB');
  assert.equal(memoryLimitOf('100MB', 2 * gigabyte), '100MB');
  // Without a bound Node says 0, or all that 64 bits hold.
  for (const allowed of [0, 2 ** 64, 4 * gigabyte]) assert.equal(memoryLimitOf('1GB', allowed), '1GB');
});

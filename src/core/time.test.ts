import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callAfter, longestTimerMs } from './time.ts';

test('what is to be called after longer than a timer waits is called then, unless it is called off', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const timers = t.mock.method(globalThis, 'setTimeout');
  const called: string[] = [];
  callAfter(longestTimerMs + 1000, () => called.push('late'));
  callAfter(longestTimerMs + 500, () => called.push('early'));
  const off = callAfter(2 * longestTimerMs, () => called.push('off'));
  t.mock.timers.tick(longestTimerMs);
  off();
  assert.deepEqual(called, []);
  t.mock.timers.tick(999);
  assert.deepEqual(called, ['early']);
  t.mock.timers.tick(1);
  assert.deepEqual(called, ['early', 'late']);
  t.mock.timers.tick(longestTimerMs);
  assert.deepEqual(called, ['early', 'late']);
  for (const { arguments: args } of timers.mock.calls) assert.ok(Number(args[1]) <= longestTimerMs);
});

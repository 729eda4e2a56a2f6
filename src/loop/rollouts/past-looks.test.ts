import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RolloutLook, RolloutPastLook, RolloutStep } from '../contract.ts';
import { keepLook, keptLooks } from './past-looks.ts';

const at = (second: number): string => new Date(second * 1000).toISOString();
const none = { have: 0, need: 0 };
const lookAt = (second: number, requests: number): RolloutLook => ({
  at: at(second),
  requests: none,
  labels: none,
  timeMs: none,
  verdict: 'waiting',
  reason: '',
  comparisons: [],
  guardrails: [],
  shadow: [],
  arms: [
    {
      arm: 'challenger',
      version: '2',
      requests,
      failed: 0,
      refused: 0,
      waiting: null,
      labelled: 0,
      mean: null,
      latencyP99Ms: null,
      latencyP99LowMs: null,
      latencyP99HighMs: null,
    },
  ],
});
const step: RolloutStep = {
  stage: 'canary',
  index: 0,
  percent: 10,
  routeVersion: 2,
  since: at(0),
  sinceEventTime: at(0),
  isProved: false,
};

test('looks at the same evidence are one, and the course stays bounded, spread and whole at its ends', () => {
  const same = [1, 2, 3].reduce<readonly RolloutPastLook[]>(
    (past, s) => keepLook(past, lookAt(s, 5), step),
    [],
  );
  assert.deepEqual(
    same.map((look) => look.at),
    [at(3)],
  );
  assert.equal(
    keepLook(same, lookAt(4, 5), { ...step, percent: 50 }).length,
    2,
    'another share is another look',
  );
  const many = Array.from({ length: 1000 }, (_, s) => s).reduce<readonly RolloutPastLook[]>(
    (past, s) => keepLook(past, lookAt(s, s), step),
    [],
  );
  assert.ok(many.length <= keptLooks && many.length > keptLooks / 2);
  assert.deepEqual([many[0]?.at, many.at(-1)?.at], [at(0), at(999)]);
  const early = many.filter((look) => look.at < at(500)).length;
  assert.ok(early > keptLooks / 4, `${early} looks are of the first half`);
});

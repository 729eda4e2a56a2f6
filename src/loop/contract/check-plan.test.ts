import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRolloutSchema } from './rollout.ts';

const canary = { kind: 'canary', version: 2 };

/** What is said of a plan: its fields with their problems. */
function problems(plan: object): readonly string[] {
  const parsed = createRolloutSchema.safeParse({ plan, reason: 'try it' });
  return (parsed.error?.issues ?? []).map(({ path, message }) => `${path.slice(1).join('.')}: ${message}`);
}

test('a plan that could only end in nobody answered, or in an abort, is refused with field, value and limit', () => {
  const split = { kind: 'split', arms: [{ arm: 'b', version: 2, percent: 0.001 }] };
  const bandit = { kind: 'bandit', arms: [{ arm: 'b', version: 2 }] };
  const cases: readonly (readonly [object, string])[] = [
    [
      { ...canary, steps: [0.001, 100] },
      'steps.0: expected at least 0.01 (percent of the traffic), not 0.001',
    ],
    [split, 'arms.0.percent: expected at least 0.01 (percent of the traffic), not 0.001'],
    [
      { ...canary, steps: Array.from({ length: 101 }, (_, i) => (i + 1) / 2) },
      'steps: expected at most 100 steps, not 101',
    ],
    [{ ...canary, cooldown: '999999999999d' }, 'cooldown: expected at most 3650d, not "999999999999d"'],
    [{ ...bandit, rewardAfter: '4000d' }, 'rewardAfter: expected at most 3650d, not "4000d"'],
    [
      { ...canary, minTime: '4d' },
      'maxTime: expected more time than the plan needs (4 steps of minTime "4d", after a shadow of minTime "0s"), not "14d": it would be aborted',
    ],
    [
      { ...bandit, minTime: '2d', maxTime: '1d' },
      'maxTime: expected more time than the plan needs (minTime is "2d"), not "1d": it would be aborted',
    ],
    ...['v3', 'Latest', 'a b', 'öff/1'].map(
      (alias) =>
        [
          { ...canary, alias },
          `alias: expected letters, digits, _ or -, and neither "latest" nor "v" with a number, not "${alias}"; null moves no alias`,
        ] as const,
    ),
    [{ ...canary, steps: [10, 5, 100] }, 'steps: the steps must grow, unlike 10, 5'],
  ];
  for (const [plan, problem] of cases) assert.deepEqual(problems(plan), [problem]);
  assert.deepEqual(problems({ ...canary, minTime: '3d', shadow: { minTime: '1d' } }), []);
  assert.deepEqual(problems({ ...canary, alias: 'größte_v2-x' }), []);
  assert.deepEqual(problems({ ...canary, steps: [0.01, 100], cooldown: '3650d' }), []);
});

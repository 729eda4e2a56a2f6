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
  const arm = (name: string, percent: number) => ({ arm: name, version: 2, percent });
  const accuracy = (margin: number) => ({ metric: 'accuracy', margin });
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
    [
      { ...canary, segments: ['airport', 'sex', 'airport'] },
      'segments.2: expected each feature once, not "airport" again',
    ],
    [
      { ...canary, guardrails: [accuracy(0.01), { metric: 'brier', margin: 0 }, accuracy(0.5)] },
      'guardrails.2.metric: expected each metric once, with one margin, not "accuracy" again',
    ],
    [
      { ...canary, guardrails: [accuracy(1)] },
      'guardrails.0.margin: expected less than 1, not 1: accuracy lies between 0 and 1, so any version would pass; 0.02 are two percentage points',
    ],
    [
      { ...canary, metric: 'brier', segments: ['airport'], segmentMargin: 5 },
      'segmentMargin: expected less than 1, not 5: brier lies between 0 and 1, so any version would pass; 0.02 are two percentage points',
    ],
    [
      { ...split, arms: [arm('b', 60), arm('c', 45.5)] },
      'arms: the percents add up to 105.5, which leaves nothing for the champion; give them less than 100 together',
    ],
    [
      { ...split, arms: [arm('b', 99.999)] },
      'arms: expected to leave the champion at least 0.01 percent, not 0.001',
    ],
    [
      { ...split, arms: [arm('b', 10), arm('b', 20)] },
      'arms.1.arm: expected each arm to have its own name, not "b" again',
    ],
    [{ ...bandit, every: '0s' }, 'every: expected more than no time, e.g. 10m, not "0s"'],
    [{ ...bandit, rewardAfter: '0h' }, 'rewardAfter: expected more than no time, e.g. 10m, not "0h"'],
    [
      { ...bandit, every: '1d', maxTime: '6h' },
      'every: expected less than maxTime "6h", not "1d": the shares would never change',
    ],
    [{ ...bandit, floor: 1e-6 }, 'floor: expected at least 0.0001 (a share of the traffic), not 0.000001'],
    [
      { ...bandit, floor: 0.2, arms: ['b', 'c', 'd', 'e'].map((name) => ({ arm: name, version: 2 })) },
      'floor: expected less than 1/5, not 0.2: all 5 arms would keep that share for good',
    ],
    [
      { ...bandit, floor: 0.2, arms: ['b', 'c', 'd', 'e', 'f'].map((name) => ({ arm: name, version: 2 })) },
      'floor: expected less than 1/6, not 0.2: 6 arms, with the champion, cannot keep that share each',
    ],
  ];
  for (const [plan, problem] of cases) assert.deepEqual(problems(plan), [problem]);
  assert.deepEqual(problems({ ...canary, minTime: '3d', shadow: { minTime: '1d' } }), []);
  assert.deepEqual(problems({ ...canary, alias: 'größte_v2-x' }), []);
  assert.deepEqual(problems({ ...canary, steps: [0.01, 100], cooldown: '3650d' }), []);
  assert.deepEqual(problems({ ...canary, metric: 'logLoss', margin: 2, guardrails: [accuracy(0.99)] }), []);
  const thirds = ['b', 'c'].map((name) => arm(name, 100 / 3));
  assert.deepEqual(problems({ ...split, arms: [...thirds, arm('d', 33.32)] }), []);
});

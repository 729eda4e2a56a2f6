import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointRollout } from '../../../../../src/loop/contract.ts';
import { prepareStepPlan } from '../../../charts/prepare/step-plan.ts';
import { countedVersions, courseOf, rolloutTitle, stateOfRollout, stepsOfRollout } from './course-text.ts';

const canary = {
  state: 'running',
  championVersion: '1',
  plan: {
    kind: 'canary',
    version: 2,
    metric: 'logLoss',
    margin: 0.02,
    prove: 'notWorse',
    steps: [5, 50],
    shadow: {},
  },
  step: { stage: 'canary', index: 1, percent: 50 },
  look: {
    requests: { have: 30, need: 20 },
    labels: { have: 100, need: 400 },
    timeMs: { have: 0, need: 0 },
    comparisons: [{ arm: 'challenger', metric: 'accuracy', segment: null, margin: 0.05 }],
  },
  looks: [
    { stage: 'shadow', percent: 0, comparisons: [] },
    ...[10, 40, 40].map((n, index) => ({
      stage: 'canary',
      percent: index === 0 ? 5 : 50,
      comparisons: [
        { arm: 'challenger', metric: 'logLoss', n, difference: 0.1 - index / 100, low: -1, high: 1 },
        { arm: 'challenger', metric: 'accuracy', n, difference: 0.1, low: null, high: null },
      ],
    })),
  ],
} as unknown as EndpointRollout;

test('a canary stands on its step with what it still needs, and says where it stopped', () => {
  const steps = prepareStepPlan(stepsOfRollout(canary) ?? assert.fail());
  assert.deepEqual(
    steps.map(({ label, state, note }) => [label, state, note]),
    [
      ['Shadow', 'done', ''],
      ['5\u202f%', 'done', ''],
      ['50\u202f%', 'now', '100 of 400 labels'],
    ],
  );
  const aborted = prepareStepPlan(stepsOfRollout({ ...canary, state: 'aborted' }) ?? assert.fail());
  assert.deepEqual([aborted[2]?.state, aborted[2]?.end], ['stopped', stateOfRollout('aborted')]);
  assert.equal(stepsOfRollout({ ...canary, plan: { kind: 'split', arms: [] } }), null);
  assert.equal(rolloutTitle(canary), 'Canary of v2 beside v1');
  assert.equal(
    rolloutTitle({ ...canary, plan: { kind: 'split', arms: [{ version: 2 }, { version: 4 }] } }),
    'A/B of v2 and v4 beside v1',
  );
  const bandit = {
    ...canary,
    plan: { kind: 'bandit', arms: [2, 3, 4, 5, 6].map((version) => ({ version })) },
  };
  assert.equal(rolloutTitle(bandit), 'Bandit of 5 challengers beside v1');
  assert.equal(countedVersions(bandit), 'v2, v3, v4, v5 and v6');
  assert.equal(countedVersions(canary), null);
  assert.equal(stateOfRollout('ready'), 'watch');
});

test('the course is one point for each evidence, without looks that had no interval yet', () => {
  assert.deepEqual(
    courseOf(canary, 'challenger', 'logLoss').map((look) => [look.pairs, look.value, look.at]),
    [
      [10, 0.1, 'at 5\u202f%'],
      [40, 0.08, 'at 50\u202f%'],
    ],
  );
  assert.deepEqual(courseOf(canary, 'challenger', 'accuracy'), []);
});

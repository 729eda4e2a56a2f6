import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointRollout } from '../../../../../../src/loop/contract.ts';
import { inOrder, rowOfRollout } from './rollout-rows.ts';

const comparison = (arm: string, difference: number, segment: unknown = null) => ({
  arm,
  metric: 'logLoss',
  segment,
  compared: 'pairs',
  n: 100,
  alpha: 0.05,
  margin: 0.02,
  champion: 0.5,
  challenger: 0.4,
  difference,
  low: difference - 1,
  high: difference + 1,
  verdict: 'undecided',
});

const split = {
  id: 'r1',
  turn: null,
  endpoint: 'tide',
  state: 'ready',
  championVersion: '1',
  reason: 'b is better',
  plan: {
    kind: 'split',
    metric: 'logLoss',
    arms: [
      { arm: 'b', version: 2, percent: 30 },
      { arm: 'c', version: 3, percent: 20 },
    ],
  },
  step: { stage: 'split', index: null, percent: 50 },
  look: {
    requests: { have: 5, need: 9 },
    labels: { have: 1, need: 1 },
    timeMs: { have: 1, need: 1 },
    arms: [
      { arm: 'champion', version: '1' },
      { arm: 'b', version: '2' },
      { arm: 'c', version: '3' },
    ],
    comparisons: [
      comparison('b', 0.01),
      comparison('c', 0.03),
      comparison('b', 0.9, { feature: 'x', value: 'y' }),
    ],
  },
  bandit: null,
  createdAt: '2001-01-01T00:00:00Z',
  endedAt: null,
  summary: { verdict: 'c: logLoss better by 0.03' },
} as unknown as EndpointRollout;

const turn = {
  id: 't1',
  turn: { loop: 'tides', number: 4, state: 'promoted' },
  model: 'tides',
  endpoint: 'tides',
  state: 'promoted',
  championVersion: '2',
  reason: 'all well',
  bandit: null,
  plan: { kind: 'canary', version: 6, metric: 'logLoss', steps: [10, 100], shadow: {} },
  step: { stage: 'canary', index: 1, percent: 100 },
  look: {
    requests: { have: 1, need: 9 },
    labels: { have: 1, need: 1 },
    timeMs: { have: 1, need: 1 },
    arms: [{ arm: 'challenger', version: '6' }],
    comparisons: [comparison('challenger', 0.1)],
  },
  summary: { verdict: 'challenger: logLoss better by 0.1' },
  createdAt: '2001-02-01T00:00:00Z',
  endedAt: '2001-02-03T00:00:00Z',
} as unknown as EndpointRollout;

test('an A/B shows what the champion keeps, and its arm that is furthest ahead over all requests', () => {
  const row = rowOfRollout(split);
  assert.deepEqual(row.shares, [
    { arm: 'champion', share: 0.5 },
    { arm: 'b', share: 0.3 },
    { arm: 'c', share: 0.2 },
  ]);
  assert.equal(row.steps, null);
  assert.equal(row.verdict, 'c: log loss better by 0.03');
  assert.equal(row.comparison?.difference, 0.03);
  assert.equal(row.needs, '5 of 9 requests');
  assert.deepEqual([row.standing, row.word], ['open', 'waits for you to promote']);
});

test('a turn of a loop is a row as other rollouts are, and leads to the turn', () => {
  const row = rowOfRollout(turn);
  assert.deepEqual(row.of, { turn: 't1', label: 'tides, turn 4' });
  assert.deepEqual(
    row.steps?.map(({ label, state }) => [label, state]),
    [
      ['Shadow', 'done'],
      ['10\u202f%', 'done'],
      ['100\u202f%', 'done'],
    ],
  );
  assert.deepEqual([row.title, row.standing, row.needs], ['Canary of v6 beside v2', 'promoted', '']);
  assert.equal(rowOfRollout({ ...turn, state: 'paused' }).word, 'paused');
});

test('what is under way comes first, then the newest', () => {
  const ended = rowOfRollout(turn);
  const open = rowOfRollout(split);
  const older = { ...ended, key: 't0', beganAt: '2000-12-31T00:00:00Z' };
  assert.deepEqual(
    inOrder([older, ended, open]).map((row) => row.key),
    ['r1', 't1', 't0'],
  );
});

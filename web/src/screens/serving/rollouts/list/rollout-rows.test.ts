import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointRollout, Turn, TurnSummary } from '../../../../../../src/loop/contract.ts';
import { inOrder, mayBeRolledOut, rowOfRollout, rowOfTurn } from './rollout-rows.ts';

const comparison = (arm: string, difference: number, segment: unknown = null) => ({
  ...{ arm, metric: 'logLoss', segment, compared: 'pairs', n: 100, alpha: 0.05, margin: 0.02 },
  ...{ champion: 0.5, challenger: 0.4, difference, low: difference - 1, high: difference + 1 },
  verdict: 'undecided',
});

const split = {
  ...{ id: 'r1', endpoint: 'tide', state: 'ready', championVersion: '1', reason: 'b is better' },
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
  ...{ bandit: null, createdAt: '2001-01-01T00:00:00Z', endedAt: null },
} as unknown as EndpointRollout;

const turn = {
  ...{ id: 't1', loop: 'tides', number: 4, model: 'tides', endpoint: 'tides', state: 'promoted' },
  ...{ challengerVersion: 6, championVersion: 2, finishedAt: '2001-02-03T00:00:00Z', reason: 'all well' },
  rollout: {
    ...{ stage: 'canary', step: 1, steps: [10, 100], percent: 100, since: '2001-02-02T00:00:00Z' },
    ...{ requests: { have: 1, need: 1 }, labels: { have: 1, need: 1 }, timeMs: { have: 1, need: 1 } },
    ...{ arms: [{ arm: 'challenger', version: '6' }], comparisons: [comparison('challenger', 0.1)] },
    bandit: null,
  },
  rolloutHistory: [{ stage: 'shadow', since: '2001-02-01T00:00:00Z' }],
} as unknown as Turn;

test('an A/B shows what the champion keeps, and its arm that is furthest ahead over all requests', () => {
  const row = rowOfRollout(split);
  assert.deepEqual(row.shares, [
    { arm: 'champion', share: 0.5 },
    { arm: 'b', share: 0.3 },
    { arm: 'c', share: 0.2 },
  ]);
  assert.equal(row.steps, null);
  assert.equal(row.verdict?.challenger, '3');
  assert.equal(row.verdict?.comparison.difference, 0.03);
  assert.deepEqual([row.standing, row.word], ['open', 'ready']);
});

test('a turn that reached the traffic is a row from the begin of its shadow on', () => {
  const row = rowOfTurn(turn) ?? assert.fail();
  assert.deepEqual(row.of, { turn: 't1', label: 'tides, turn 4' });
  assert.equal(row.beganAt, '2001-02-01T00:00:00Z');
  assert.deepEqual(
    row.steps?.map(({ label, state }) => [label, state]),
    [
      ['Shadow', 'done'],
      ['10\u202f%', 'done'],
      ['100\u202f%', 'done'],
    ],
  );
  assert.equal(row.standing, 'promoted');
  assert.equal(rowOfTurn({ ...turn, rollout: null, rolloutHistory: [] }), null);
});

test('a turn without a champion before it, or refused by its gates, was no rollout', () => {
  assert.equal(mayBeRolledOut(turn), true);
  assert.equal(mayBeRolledOut({ ...turn, championVersion: null } as TurnSummary), false);
  assert.equal(mayBeRolledOut({ ...turn, state: 'rejected' } as TurnSummary), false);
  assert.equal(mayBeRolledOut({ ...turn, state: 'awaiting-approval' } as TurnSummary), true);
});

test('what is under way comes first, then the newest', () => {
  const ended = rowOfTurn(turn) ?? assert.fail();
  const open = rowOfRollout(split);
  const older = { ...ended, key: 't0', beganAt: '2000-12-31T00:00:00Z' };
  assert.deepEqual(
    inOrder([older, ended, open]).map((row) => row.key),
    ['r1', 't1', 't0'],
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Erasure } from '../../../../src/lifecycle/governance/contract.ts';
import { erasureState, outcomeText, remainders } from './erasure-text.ts';

const done: Erasure = {
  id: '1',
  endpoint: null,
  reason: 'request 117',
  requestedBy: 'user:ana',
  requestedAt: '2026-03-01T00:00:00.000Z',
  status: 'done',
  attempts: 1,
  problem: null,
  nextAttemptAt: null,
  endedAt: '2026-03-01T00:00:01.000Z',
  parts: [
    { name: 'prediction log', erased: { predictions: 1, labels: 2, waitingLabels: 0 } },
    { name: 'files made of the log', erased: { files: 3 } },
  ],
  outstanding: null,
  otherKeys: [],
  left: [],
};

test('what went is counted, and what did not is told of', () => {
  assert.deepEqual(erasureState(done), { state: 'good', word: 'done' });
  assert.equal(outcomeText(done), '1 prediction, 2 labels and signals, 3 files');
  assert.equal(outcomeText({ ...done, parts: [] }), 'nothing was there');
  const partly: Erasure = {
    ...done,
    parts: [
      {
        name: 'prediction log',
        erased: { predictions: 0, labels: 0, waitingLabels: 0, unreadableSegments: 2 },
      },
    ],
    outstanding: 'replica a is away',
    left: [{ id: 'd', dataset: 'flights', version: 3, rows: 1 }],
  };
  assert.deepEqual(erasureState(partly), { state: 'watch', word: 'done in part' });
  assert.equal(outcomeText(partly), 'nothing was there; 3 things left to do');
  assert.match(
    remainders(partly).join('\n'),
    /replica a is away: .*\n2 segments .*\nDataset flights version 3 .* 1 row\./,
  );
});

test('one that is not done says why', () => {
  const running: Erasure = { ...done, status: 'running', parts: [], endedAt: null };
  assert.deepEqual(erasureState(running), { state: 'running', word: 'under way' });
  assert.equal(outcomeText({ ...running, status: 'queued' }), 'Waits for the one before');
  const broken: Erasure = { ...running, status: 'queued', problem: 'the disk is full' };
  assert.deepEqual(erasureState(broken), { state: 'bad', word: 'broke off' });
  assert.equal(outcomeText(broken), 'the disk is full');
});

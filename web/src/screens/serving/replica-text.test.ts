import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Replica } from '../../../../src/lifecycle/serving/contract.ts';
import { replicaNotes, replicaState, replicasText } from './replica-text.ts';

const replica = (more: object): Replica =>
  ({
    id: 'a',
    connected: true,
    url: null,
    models: [],
    endpoints: [],
    left: false,
    segmentsWaiting: 0,
    segmentsDamaged: 0,
    shadowDropped: 0,
    clockAheadMs: 12,
    logHashKeyDiffers: false,
    forgottenAt: null,
    rivalRefusedAt: null,
    ...more,
  }) as unknown as Replica;

const AWAY = replica({ connected: false, segmentsWaiting: 2, forgottenAt: '2026-01-02T03:04:05Z' });
const STOPPED = replica({ connected: false, left: true });

test('a replica that is away is a matter for a person; one that was told to stop is not', () => {
  assert.equal(replicaState(AWAY), 'bad');
  assert.equal(replicaState(STOPPED), 'none');
  assert.equal(replicasText([replica({}), AWAY, STOPPED]), '1 connected, 1 away, 1 stopped');
  assert.deepEqual(replicaNotes(AWAY), [
    'Away: it has ended, or does not reach control and answers by its last known routes.',
    'Forgotten at 2026-01-02 03:04 UTC unless it comes back.',
    '2 parts of its log wait with it.',
  ]);
});

test('what is not as usual is told; of a replica that is well nothing is', () => {
  assert.deepEqual(replicaNotes(replica({ segmentsWaiting: 1 })), []);
  assert.equal(replicaState(replica({})), 'good');
  const slow = replica({ clockAheadMs: -61_000, shadowDropped: 1 });
  assert.equal(replicaState(slow), 'watch');
  assert.deepEqual(replicaNotes(slow), [
    '1 copy for shadows dropped since it started: their queue was full.',
    'Its clock is 1\u202fmin 1\u202fs behind, and dates its predictions so.',
  ]);
  const keyed = replica({ logHashKeyDiffers: true });
  assert.equal(replicaState(keyed), 'watch');
  assert.match(replicaNotes(keyed).join(), /another log-hash\.key than control: no search, label or erasure/);
  const broken = replica({ models: [{ state: 'failed', error: 'It asks for opset 99.' }] });
  assert.equal(replicaState(broken), 'bad');
  assert.deepEqual(replicaNotes(broken), ['It asks for opset 99.']);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Alert } from '../../../../src/lifecycle/monitoring/contract.ts';
import type { EndpointRollout, Loop, TurnSummary } from '../../../../src/loop/contract.ts';
import { readLastVisit, sinceThen } from './last-visit.ts';
import { waitingFor } from './waiting.ts';

function memory(): Storage {
  const kept = new Map<string, string>();
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  } as Storage;
}

const MINUTE = 60_000;

test('a visit ends with half an hour of absence; looking often does not move it', () => {
  const storage = memory();
  assert.equal(readLastVisit(storage, 1000 * MINUTE), null);
  assert.equal(readLastVisit(storage, 1010 * MINUTE), null);
  assert.equal(readLastVisit(storage, 1100 * MINUTE), 1010 * MINUTE);
  assert.equal(readLastVisit(storage, 1105 * MINUTE), 1010 * MINUTE);
});

const turn = (state: TurnSummary['state'], finishedAt: string | null): TurnSummary =>
  ({ id: state, number: 2, state, finishedAt, reason: 'because', challengerVersion: 4 }) as TurnSummary;

test('what ended since then is counted by how it ended', () => {
  const turns = [
    turn('promoted', '2026-01-02T00:00:00Z'),
    turn('rejected', '2026-01-03T00:00:00Z'),
    turn('promoted', '2025-12-01T00:00:00Z'),
    turn('canary', null),
  ];
  assert.equal(sinceThen(turns, Date.parse('2026-01-01T00:00:00Z')), '2 turns: 1 promoted, 1 refused');
  assert.equal(sinceThen(turns, Date.parse('2026-02-01T00:00:00Z')), null);
});

test('what waits for a person: approvals, failures, pauses and alerts of what serves, worst first', () => {
  const loop = (name: string, more: object): Loop =>
    ({
      name,
      endpoint: name,
      state: 'active',
      championVersion: 3,
      activeTurn: null,
      lastTurn: null,
      ...more,
    }) as Loop;
  const alert = (endpoint: string, modelVersion: string): Alert =>
    ({
      id: `${endpoint}${modelVersion}`,
      endpoint,
      modelVersion,
      severity: 'watch',
      state: 'open',
      reason: 'moved',
    }) as Alert;
  const found = waitingFor(
    [
      loop('calm', {}),
      loop('asks', { activeTurn: turn('awaiting-approval', null) }),
      loop('broken', { lastTurn: turn('failed', '2026-01-02T00:00:00Z') }),
      loop('paused', { state: 'paused' }),
    ],
    [alert('calm', '3'), alert('calm', '2'), { ...alert('calm', ''), reason: 'v1.2 was lost. Mend it' }],
    [
      ...(['running', 'ready', 'paused'] as const).map(
        (state) => ({ id: state, turn: null, endpoint: `a/${state}`, state }) as EndpointRollout,
      ),
      // The turn that asks, once more: it is told of once.
      {
        id: 't',
        turn: { loop: 'asks', number: 2, state: 'awaiting-approval' },
        state: 'ready',
      } as EndpointRollout,
    ],
  );
  assert.equal(found.at(-1)?.sentence, 'v1.2 was lost.');
  assert.deepEqual(
    found.map((each) => `${each.state} ${each.model}`),
    [
      'bad broken',
      'watch asks',
      'watch paused',
      'watch a/ready',
      'watch a/paused',
      'watch calm',
      'watch calm',
    ],
  );
  assert.equal(found.find(({ model }) => model === 'a/ready')?.to, '/endpoints/a%2Fready?rollout=ready');
  const behind = (endpoint: string, subject: string): Alert =>
    ({ ...alert(endpoint, ''), kind: 'restored', subject }) as Alert;
  const grouped = waitingFor(
    [],
    [behind('a', 'edge'), alert('a', '1'), behind('b', 'edge'), behind('c', 'other'), alert('b', '1')],
    [],
  );
  assert.deepEqual(
    grouped.map(({ model, all, to }) => [model, all, to.replace(/.*endpoint=/, '')]),
    [
      ['2 endpoints', 'a, b', 'a&alert=a'],
      ['a', undefined, 'a&alert=a1'],
      ['c', undefined, 'c&alert=c'],
      ['b', undefined, 'b&alert=b1'],
    ],
  );
  const aborted: Alert = { ...alert('alone', '7'), kind: 'rollout', reason: 'it fails. Look at it' };
  assert.equal(waitingFor([], [aborted], [])[0]?.sentence, 'the rollout of v7 was aborted: it fails.');
});

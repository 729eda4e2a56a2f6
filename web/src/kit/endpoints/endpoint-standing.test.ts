import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Alert } from '../../../../src/lifecycle/monitoring/contract.ts';
import type { Endpoint } from '../../../../src/lifecycle/serving/contract.ts';
import { standingOf, standingsText, worstFirst } from './endpoint-standing.ts';

const arm = (name: string, modelVersion: string, weight: number) => ({ arm: name, modelVersion, weight });
const replica = (id: string, more: object = {}) => ({
  id,
  connected: true,
  current: true,
  url: null,
  error: null,
  ...more,
});
const endpoint = (name: string, more: object = {}): Endpoint =>
  ({
    name,
    model: 'sea',
    shadow: null,
    updatedAt: '2026-01-01T00:00:00Z',
    lately: null,
    arms: [arm('champion', '1', 1)],
    replicas: [replica('a')],
    ...more,
  }) as unknown as Endpoint;
const alert = (modelVersion: string, severity: 'watch' | 'bad', more: object = {}): Alert =>
  ({
    id: modelVersion,
    endpoint: 'tide',
    modelVersion,
    severity,
    state: 'open',
    reason: `logLoss of version ${modelVersion} rose. Look at it.`,
    ...more,
  }) as Alert;

test('an endpoint stands as the worst that is true of it now', () => {
  const said = (more: object, alerts: readonly Alert[] = []): string => {
    const { state, sentence } = standingOf(endpoint('tide', more), alerts);
    return `${state}: ${sentence}`;
  };
  assert.equal(said({}), 'good: v1 answers everything.');
  assert.equal(said({ arms: [] }), 'none: No version is deployed here.');
  assert.equal(
    said({ arms: [arm('champion', '1', 0.9), arm('challenger', '2', 0.1)] }),
    'running: v2 answers 10\u202f% of requests beside v1.',
  );
  const split = (count: number): string =>
    said({
      arms: Array.from({ length: count }, (_, i) =>
        arm(i === 0 ? 'champion' : `arm-${i}`, `${i + 1}`, 1 / count),
      ),
    });
  assert.equal(split(3), 'running: v2 and v3 answer 67\u202f% of requests beside v1.');
  assert.equal(split(4), 'running: v2, v3 and v4 answer 75\u202f% of requests beside v1.');
  assert.equal(split(20), 'running: v2, v3 and 17 others answer 95\u202f% of requests beside v1.');
  assert.equal(
    said({ replicas: [replica('a'), replica('b', { current: false })] }),
    'watch: 1 of 2 replicas still load it.',
  );
  assert.equal(
    said({ replicas: [replica('a', { connected: false })] }),
    'bad: No replica of it is connected.',
  );
  assert.equal(said({ replicas: [replica('a', { error: 'no room' })] }), 'bad: a: no room');
  assert.equal(said({}, [alert('1', 'watch')]), 'watch: Log loss of v1 rose.');
  assert.equal(said({}, [alert('', 'watch', { reason: 'b' }), alert('1', 'bad', { reason: 'c' })]), 'bad: C');
});

test('alerts of others, of what has no traffic any more, and those that somebody has seen change nothing', () => {
  const alerts = [
    alert('2', 'bad'),
    alert('1', 'bad', { endpoint: 'ebb' }),
    alert('1', 'bad', { state: 'acknowledged' }),
  ];
  assert.equal(standingOf(endpoint('tide'), alerts).state, 'good');
});

test('what fails now needs a look at once, and is an outage from half of it on', () => {
  const said = (predictions: number, failed: number, refused = 0): string => {
    const { state, sentence } = standingOf(
      endpoint('tide', { lately: { predictions, failed, refused } }),
      [],
    );
    return `${state}: ${sentence}`;
  };
  assert.equal(said(19, 19), 'good: v1 answers everything.');
  assert.equal(said(1000, 50), 'good: v1 answers everything.');
  assert.equal(said(60, 23), 'watch: 38\u202f% failed in the last 5 min (23 of 60).');
  assert.equal(said(20, 10), 'bad: 50\u202f% failed in the last 5 min (10 of 20).');
  // Callers' own mistakes are told, and make no endpoint look ill.
  assert.equal(
    said(400, 0, 280),
    'good: v1 answers everything. 70\u202f% of the last 5 min were refused for what callers sent (280 of 400).',
  );
});

test('many endpoints are one sentence, and the worst comes first', () => {
  const standings = [
    standingOf(endpoint('calm'), []),
    standingOf(endpoint('empty', { arms: [] }), []),
    standingOf(endpoint('b', { shadow: arm('shadow', '2', 0) }), []),
    standingOf(endpoint('alone', { replicas: [] }), []),
  ];
  assert.equal(
    standingsText(standings),
    '4 endpoints: 1 needs a look, 1 tries a version, 1 without a version.',
  );
  assert.equal(standingsText(standings.slice(0, 1)), '1 endpoint: it is answered by one version.');
  assert.deepEqual(
    worstFirst(standings).map((each) => each.endpoint.name),
    ['alone', 'b', 'calm', 'empty'],
  );
});

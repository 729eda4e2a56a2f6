import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { VersionRecord } from '../registry/index.ts';
import { cardMarkdown } from './cardMarkdown.ts';
import { modelCardSchema } from './contract.ts';
import { makeModelCard } from './makeModelCard.ts';
import { rolloutHistory } from './rolloutHistory.ts';

const record: VersionRecord = {
  name: 'flights',
  version: 2,
  status: 'READY',
  statusMessage: null,
  stage: 'None',
  description: '',
  source: 'models:/m-1',
  storageLocation: 'x',
  sourceRunId: 'run-1',
  runLink: null,
  modelId: 'm-1',
  digest: 'sha256:abc',
  datasetVersionId: 'd-1',
  datasetDigest: 'sha256:def',
  signature: {
    inputs: [{ name: 'distance', type: 'double', required: true, shape: [] }],
    outputs: [{ name: 'probabilities', type: 'float', required: true, shape: [2] }],
  },
  evaluationId: null,
  aliases: ['champion'],
  tags: [],
  gates: [
    {
      gate: null,
      name: 'auc | ok',
      verdict: 'pass',
      measured: null,
      reason: 'yes',
      evaluationId: null,
      recordedAt: 't',
    },
  ],
  approvals: [],
  createdBy: 'system:loop',
  createdAtMs: 0,
  updatedAtMs: 0,
};

const route = (challenger: object | undefined, shadow: string | null) => ({
  model: 'flights',
  routeVersion: 5,
  champion: { version: '1', weight: 0.9 },
  ...(challenger ? { challenger } : {}),
  shadow,
});

const change = (before: unknown, after: unknown) => ({
  id: '1',
  atMs: 1000,
  actor: { kind: 'system', id: 'loop' } as const,
  action: 'serving:challenge',
  subject: { kind: 'endpoint', id: 'flights' },
  before,
  after,
  reason: 'shadow passed',
});

test('a card holds what was recorded and names what was not', () => {
  const card = makeModelCard(record, [], [], null, '2001-01-01T00:00:00.000Z');
  assert.deepEqual(modelCardSchema.parse(card), card);
  assert.deepEqual(card.missing, ['evaluation', 'approvals', 'history']);
  const text = cardMarkdown(card);
  assert.match(text, /^# flights, version 2\n/);
  assert.match(text, /Not recorded: evaluation, approvals, history\./);
  assert.match(text, /\| auc \\\| ok \| pass \| yes \|/);
});

test('the history tells what traffic a version had and lost', () => {
  const share = { version: '2', weight: 0.1 };
  const history = rolloutHistory(
    [
      change(route(undefined, null), route(undefined, '2')),
      change(route(undefined, '2'), route(share, '2')),
      change(route(share, '2'), route(share, null)),
      change(route(share, '2'), route(undefined, null)),
      change(undefined, { other: true }),
    ],
    'flights',
    2,
  );
  assert.deepEqual(
    history.map((entry) => entry.what),
    [
      'endpoint flights: copies of the traffic',
      'endpoint flights: challenger with 10 % of the traffic',
      'endpoint flights: no traffic any more',
    ],
  );
  assert.deepEqual(rolloutHistory([change(null, route(share, null))], 'other', 2), []);
});

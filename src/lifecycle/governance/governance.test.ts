import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StoredEvent } from '../../platform/journal/index.ts';
import type { Evaluation } from '../evaluation/index.ts';
import type { VersionRecord } from '../registry/index.ts';
import { cardMarkdown } from './card-markdown.ts';
import { modelCardSchema } from './contract.ts';
import { makeModelCard, type VersionEvidence } from './make-model-card.ts';
import { monitoringHistory } from './monitoring-history.ts';
import { rolloutHistory } from './rollout-history.ts';

const at = '2001-01-01T00:00:00.000Z';
const record: VersionRecord = {
  name: 'flights',
  version: 2,
  status: 'READY',
  statusMessage: null,
  stage: 'None',
  description: '',
  isUndescribed: false,
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
      recordedAt: at,
    },
  ],
  approvals: [],
  createdBy: 'system:loop',
  createdAtMs: 0,
  updatedAtMs: 0,
};

const nothing: Omit<VersionEvidence, 'record'> = {
  moves: [],
  rollout: [],
  evaluation: undefined,
  dataset: undefined,
  run: undefined,
  monitoring: [],
};

const route = (challenger: object | undefined, shadow: string | null) => ({
  model: 'flights',
  routeVersion: 5,
  arms: { champion: { version: '1', weight: 0.9 }, ...(challenger ? { challenger } : {}) },
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
  const card = makeModelCard({ record, ...nothing }, at);
  assert.deepEqual(modelCardSchema.parse(card), card);
  assert.deepEqual(card.missing, ['training run', 'evaluation', 'approvals', 'history', 'monitoring']);
  const text = cardMarkdown(card);
  assert.match(text, /^# flights, version 2\n/);
  assert.match(text, /Not recorded: training run, evaluation, approvals, history, monitoring\./);
  assert.match(text, /\| auc \\\| ok \| pass \| yes \|/);
  assert.match(text, /## How it was trained\n\nNot recorded\./);
});

test('a refitted version names the one that was judged', () => {
  const refitted = { ...record, tags: [{ key: 'millrace.refitOf', value: '1' }] };
  const card = makeModelCard({ record: refitted, ...nothing }, at);
  assert.deepEqual(modelCardSchema.parse(card), card);
  assert.equal(card.status.refitOf, 1);
  assert.match(cardMarkdown(card), /\| refit \| of version 1, once more on all rows/);
});

test('a bare version has nothing, and the card says so of every part', () => {
  const bare: VersionRecord = {
    ...record,
    digest: null,
    datasetVersionId: null,
    datasetDigest: null,
    signature: null,
    gates: [],
    aliases: [],
  };
  const card = makeModelCard({ record: bare, ...nothing }, at);
  assert.equal(card.missing.length, 9);
  assert.equal(cardMarkdown(card).match(/Not recorded\.\n/g)?.length, 8);
});

test('a card tells of data, run, evaluation with calibration, and monitoring', () => {
  const estimate = { value: 0.7, low: 0.68, high: 0.72, n: 100 };
  const comparison = {
    rows: 100,
    positives: 20,
    candidate: { auc: estimate, logLoss: estimate },
    dummy: { auc: { ...estimate, value: null } },
    champion: null,
  };
  const report = {
    threshold: 0.5,
    confidence: 0.95,
    verdict: 'pass',
    dataset: {
      holdout: { by: 'rows', fromRow: 400, toRow: 502 },
      rows: 102,
      unlabelledRows: 2,
    },
    overall: comparison,
    segments: [{ column: 'origin', value: null, kind: 'missing', comparison }],
    candidate: {
      calibration: { bins: [], intercept: 0.02, slope: null },
      latency: { p50Ms: estimate, p99Ms: estimate },
    },
  } as unknown as Evaluation['report'];
  const card = makeModelCard(
    {
      ...nothing,
      record,
      evaluation: { id: 'e-1', report } as Evaluation,
      dataset: {
        dataset: 'flights',
        version: 3,
        rows: 502,
        columns: 5,
        time: 'date',
        entity: null,
        label: 'late',
        timeRange: null,
        source: '/data/january.parquet',
      },
      run: {
        id: 'run-1',
        name: 'nimble-fox',
        status: 'FINISHED',
        user: 'anna',
        startedAt: at,
        durationMs: 61_000,
        params: [{ name: 'C', value: '0.03' }],
        metrics: [{ name: 'auc', value: 'NaN' }],
      },
      monitoring: [{ endpoint: 'flights', windows: 0, lastWindow: null, alerts: [] }],
    },
    at,
  );
  assert.deepEqual(modelCardSchema.parse(card), card);
  assert.deepEqual(card.missing, ['approvals', 'history']);
  assert.deepEqual(card.data.holdout, {
    what: 'rows 400 to 501 in file order',
    rows: 102,
    unlabelledRows: 2,
  });
  const text = cardMarkdown(card);
  for (const part of [
    'flights version 3, from /data/january.parquet',
    '| held out from training | rows 400 to 501 in file order: 102 rows, 2 without label |',
    '| C | 0.03 |',
    '| auc | NaN |',
    '1 min 1 s',
    'Verdict of the gates: pass.',
    'intercept 0.020 (ideal 0), slope not defined (ideal 1)',
    '| AUC | 0.7000 (0.6800 to 0.7200) | – | – |',
    '| origin = missing | 100 |',
  ]) {
    assert.ok(text.includes(part), `${part} is not in:\n${text}`);
  }
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
  // As earlier versions wrote it, and an arm of another name.
  const { arms, ...rest } = route(share, null);
  const named = { ...rest, arms: { champion: arms.champion, model: share } };
  assert.deepEqual(
    rolloutHistory([change(null, { ...rest, ...arms }), change(null, named)], 'flights', 2).map(
      ({ what }) => what,
    ),
    [
      'endpoint flights: challenger with 10 % of the traffic',
      'endpoint flights: arm "model" with 10 % of the traffic',
    ],
  );
});

test('monitoring tells the newest window and each alert of the version, opened and ended', () => {
  const event = (type: string, data: Record<string, unknown>, eventTimeMs: number): StoredEvent => ({
    seq: eventTimeMs,
    type,
    subject: { kind: 'endpoint', id: 'flights' },
    data: { endpoint: 'flights', modelVersion: '2', ...data },
    eventTimeMs,
    atMs: 0,
  });
  const window = (id: string, endMs: number, labelled: number) => ({
    windowId: id,
    startMs: 0,
    endMs,
    revision: 1,
    rows: 50,
    labelled,
    driftedColumns: ['distance'],
    scoreDrifted: false,
    performanceVerdict: 'good',
  });
  const alert = {
    alertId: 'a',
    kind: 'feature-drift',
    subject: 'distance',
    severity: 'bad',
    reason: 'moved',
  };
  const told = monitoringHistory(
    [
      event('window.closed', window('w1', 1000, 0), 1000),
      event('window.closed', window('w2', 2000, 0), 2000),
      event('window.matured', window('w2', 2000, 40), 2000),
      event('window.closed', { ...window('w3', 3000, 0), modelVersion: '3' }, 3000),
      event('alert.opened', alert, 2000),
      event('alert.opened', { ...alert, alertId: 'b', modelVersion: '3' }, 3000),
      event('alert.resolved', alert, 4000),
    ],
    'flights',
    2,
  );
  assert.equal(told?.windows, 2);
  assert.equal(told?.lastWindow?.labelled, 40);
  assert.deepEqual(
    told?.alerts.map((a) => [a.kind, a.openedAt, a.resolvedAt, a.open]),
    [['feature-drift', '1970-01-01T00:00:02.000Z', '1970-01-01T00:00:04.000Z', false]],
  );
  assert.equal(monitoringHistory([], 'flights', 2), undefined);
});

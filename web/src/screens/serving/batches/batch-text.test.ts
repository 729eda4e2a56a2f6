import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type BatchPrediction,
  createBatchPredictionSchema,
} from '../../../../../src/lifecycle/serving/batch/contract.ts';
import {
  type BatchDraft,
  batchOf,
  canGoOn,
  doneShare,
  progressText,
  rowsPerSecond,
  versionOf,
} from './batch-text.ts';

const draft: BatchDraft = {
  by: 'endpoint',
  endpoint: 'churn',
  version: '',
  source: 'file',
  datasetVersion: '',
  log: '',
  from: '',
  to: '',
  format: 'csv',
  keep: 'id, name',
  intoLog: true,
};
const digest = `sha256:${'a'.repeat(64)}` as const;

test('what is chosen is a request that the server takes', () => {
  const file = createBatchPredictionSchema.parse(batchOf(draft, { digest, name: 'in.csv' }));
  assert.deepEqual(file, {
    target: { endpoint: 'churn' },
    source: { digest, name: 'in.csv' },
    format: 'csv',
    keep: ['id', 'name'],
    log: true,
  });
  const span = { source: 'log', log: 'churn', from: '2026-01-01T00:00', to: '2026-01-02T00:00' } as const;
  const log = createBatchPredictionSchema.parse(
    batchOf({ ...draft, ...span, by: 'version', version: ' a/b/3', keep: '' }, null),
  );
  assert.deepEqual(log, {
    target: { model: 'a/b', version: 3 },
    source: { log: 'churn', from: '2026-01-01T00:00:00Z', to: '2026-01-02T00:00:00Z' },
    format: 'csv',
    keep: null,
    log: false,
  });
});

test('progress is told in rows and per cent, and speed once there is one', () => {
  const batch = {
    status: 'running',
    progress: { rows: 250, failedRows: 1, totalRows: 1000 },
    startedAt: '2026-01-01T00:00:00Z',
    finishedAt: null,
    resumes: null,
  } as unknown as BatchPrediction;
  assert.equal(progressText(batch), '250 of 1\u202f000 rows, 25\u202f%');
  const alone = { ...batch, progress: { rows: 0, failedRows: 0, totalRows: 1 } };
  assert.equal(progressText(alone), '0 of 1 row, 0\u202f%');
  const at = Date.parse('2026-01-01T00:00:10Z');
  assert.equal(rowsPerSecond({ ...batch, progress: { ...batch.progress, rows: 25_000 } }, at), 2500);
  assert.equal(rowsPerSecond(batch, at), null, 'too few rows tell nothing');
  const goesOn = { ...batch, resumes: 'b0', progress: { ...batch.progress, rows: 25_000 } };
  assert.equal(rowsPerSecond(goesOn, at), null, 'most of the rows are of the one before');
  const unread = { ...batch, progress: { rows: 0, failedRows: 0, totalRows: null } };
  assert.deepEqual([progressText(unread), doneShare(unread)], ['reading the input', null]);
  assert.equal(progressText({ ...unread, status: 'queued' }), 'waits for a worker');
});

test('a batch is gone on with where that may help, and not where its input is what was refused', () => {
  const failed = (code: string) => ({ status: 'failed' as const, error: { code, message: '', next: '' } });
  assert.equal(canGoOn({ status: 'cancelled', error: null }), true);
  assert.equal(canGoOn(failed('internal')), true);
  assert.equal(canGoOn(failed('batch_column_missing')), false);
  assert.equal(canGoOn(failed('batch_input_unreadable')), false);
  assert.equal(canGoOn({ status: 'running', error: null }), false);
});

test('a version is written as its model, a slash and its number', () => {
  for (const written of ['churn', 'churn/', '/3', 'churn/v3', 'churn/1.5'])
    assert.equal(versionOf(written), null);
  assert.deepEqual(versionOf('churn/12 '), { model: 'churn', version: 12 });
});

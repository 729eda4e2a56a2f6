import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type LogSummary, SummaryCache } from './summary-cache.ts';

test('a count that took long is given again while the log grows, for ten times as long, but not once rows were erased', async () => {
  let [nowMs, counted] = [0, 0];
  const cache = new SummaryCache(100, () => nowMs);
  const count = async (): Promise<LogSummary> => {
    nowMs += 300;
    return { ...empty, endpoint: `count ${++counted}` };
  };
  const asked = async (key: string) => (await cache.get('flights', key, count)).endpoint;
  assert.deepEqual(await Promise.all([asked('a'), asked('a')]), ['count 1', 'count 1']);
  nowMs = 2999;
  assert.equal(await asked('b'), 'count 1');
  nowMs = 3000;
  assert.equal(await asked('b'), 'count 2');
  cache.clear();
  assert.equal(await asked('b'), 'count 3');
});

test('a count that was quick is not given again when the log has grown, and one that failed never', async () => {
  const cache = new SummaryCache(100, () => 0);
  await assert.rejects(
    cache.get('flights', 'a', () => Promise.reject(new Error('away'))),
    /away/,
  );
  const counted = ['a', 'b', 'b'].map((key, i) =>
    cache.get('flights', key, async () => ({ ...empty, endpoint: `count ${i}` })),
  );
  assert.deepEqual(
    (await Promise.all(counted)).map(({ endpoint }) => endpoint),
    ['count 0', 'count 1', 'count 1'],
  );
});

const empty = {
  total: {
    predictions: 0,
    failed: 0,
    refused: 0,
    joined: 0,
    waiting: 0,
    unanswered: 0,
    labelsReceived: 0,
    duplicateLabels: 0,
    orphans: 0,
  },
  days: [],
  orphanExamples: [],
  predictionSegments: 0,
  labelSegments: 0,
  countedAt: '2001-02-01T00:00:00.000Z',
};

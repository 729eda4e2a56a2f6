import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type LogSummary, SummaryCache } from './summary-cache.ts';

test('a count that takes long is not given again once rows were erased', async () => {
  const cache = new SummaryCache(0);
  let counted = 0;
  const count = async (): Promise<LogSummary> => {
    // From here on the count may be given again for ten times as long.
    await sleep(300);
    return { ...empty, endpoint: `count ${++counted}` };
  };
  const asked = async (key: string) => (await cache.get('flights', key, count)).endpoint;
  const both = await Promise.all([asked('a'), asked('a')]);
  assert.deepEqual(both, ['count 1', 'count 1']);
  cache.clear();
  assert.equal(await asked('b'), 'count 2');
});

const empty = {
  total: {
    ...{ predictions: 0, failed: 0, joined: 0, waiting: 0, unanswered: 0 },
    ...{ labelsReceived: 0, duplicateLabels: 0, orphans: 0 },
  },
  ...{ days: [], orphanExamples: [] },
  ...{ predictionSegments: 0, labelSegments: 0, countedAt: '2001-02-01T00:00:00.000Z' },
};

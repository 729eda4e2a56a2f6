import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forEachDatabase } from '../../platform/db/testing.ts';
import { startedExperiment, tester } from './testing.ts';

forEachDatabase((name, open) => {
  test(`${name}: metrics keep every distinct point and a summary by step, time and value`, async (t) => {
    const { tracking, start } = await startedExperiment(t, open);
    const run = await start();
    const log = (values: readonly (readonly [number, number, number])[]) =>
      tracking.logging.batch(tester, run.id, {
        metrics: values.map(([step, timeMs, value]) => ({ key: 'loss', step, timeMs, value })),
        params: [],
        tags: [],
      });
    await log([
      [2, 20, 0.5],
      [1, 10, Number.NaN],
      [2, 20, 0.5],
    ]);
    await log([
      [2, 20, 0.5],
      [3, 5, Number.POSITIVE_INFINITY],
      [0, 30, -2.5],
    ]);
    const { metrics } = await tracking.runs.get(tester, run.id);
    const largest = 1.7976931348623157e308;
    assert.deepEqual(metrics, [
      {
        key: 'loss',
        count: 4,
        last: { step: 3, timeMs: 5, value: largest, isNan: false },
        first: { step: 0, timeMs: 30, value: -2.5, isNan: false },
        min: -2.5,
        max: largest,
      },
    ]);
    const first = await tracking.metrics.history(tester, { runId: run.id, key: 'loss', limit: 3 });
    assert.deepEqual(
      first.items.map((p) => [p.timeMs, p.isNan]),
      [
        [5, false],
        [10, true],
        [20, false],
      ],
    );
    const rest = await tracking.metrics.history(tester, {
      runId: run.id,
      key: 'loss',
      limit: 3,
      after: first.next ?? '',
    });
    assert.deepEqual(rest, { items: [{ step: 0, timeMs: 30, value: -2.5, isNan: false }], next: null });
    assert.deepEqual(await tracking.metrics.history(tester, { runId: run.id, key: 'none', limit: null }), {
      items: [],
      next: null,
    });
  });

  test(`${name}: a long history is sampled evenly with its last point, and bucketed with its extremes`, async (t) => {
    const { tracking, start } = await startedExperiment(t, open);
    const run = await start();
    const metrics = Array.from({ length: 1000 }, (_, i) => ({
      key: 'm',
      step: i,
      timeMs: i,
      value: i === 500 ? 99 : i / 1000,
    }));
    await tracking.logging.batch(tester, run.id, { metrics, params: [], tags: [] });
    const query = { runId: run.id, key: 'm', range: null };
    const sampled = await tracking.metrics.sampled(tester, { ...query, count: 10 });
    assert.deepEqual(
      sampled.map((p) => p.step),
      [0, 100, 200, 300, 400, 500, 600, 700, 800, 999],
    );
    assert.deepEqual(
      (await tracking.metrics.sampled(tester, { ...query, count: 1 })).map((p) => p.step),
      [999],
    );
    const range = { startStep: 10, endStep: 12 };
    assert.deepEqual(
      (await tracking.metrics.sampled(tester, { ...query, count: 10, range })).map((p) => p.step),
      [10, 11, 12],
    );
    const chart = await tracking.metrics.buckets(tester, { runId: run.id, key: 'm', buckets: 4 });
    assert.equal(chart.totalCount, 1000);
    assert.deepEqual(
      chart.buckets.map((b) => [b.step, b.count, b.min, b.max]),
      [
        [249, 250, 0, 0.249],
        [499, 250, 0.25, 0.499],
        [749, 250, 0.501, 99],
        [999, 250, 0.75, 0.999],
      ],
    );
  });
});

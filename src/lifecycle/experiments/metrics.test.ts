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
        mean: metrics[0]?.mean ?? null,
        best: -2.5,
        bestStep: 0,
        direction: 'minimize',
        isDirectionGuessed: true,
      },
    ]);
    assert.ok(Math.abs((metrics[0]?.mean ?? 0) / (largest / 3) - 1) < 1e-9);
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
    // First, last, and the extremes of four parts of 250 points each.
    const sampled = await tracking.metrics.sampled(tester, { ...query, count: 10 });
    assert.deepEqual(
      sampled.map((p) => p.step),
      [0, 249, 250, 499, 500, 501, 750, 999],
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
      chart.buckets.map((b) => [b.last.step, b.count, b.min?.value, b.max?.value]),
      [
        [249, 250, 0, 0.249],
        [499, 250, 0.25, 0.499],
        [749, 250, 0.501, 99],
        [999, 250, 0.75, 0.999],
      ],
    );
  });

  test(`${name}: a metric's best follows the direction that was stated, or its name`, async (t) => {
    const { tracking, start, experimentId } = await startedExperiment(t, open);
    const run = await start();
    const log = (key: string, step: number, value: number) =>
      tracking.logging.metric(tester, run.id, { key, step, timeMs: 1, value });
    await log('score', 2, 0.9);
    await log('score', 1, 0.9);
    await log('score', 0, 0.2);
    await log('val_loss', 0, 3);
    const summary = async () => {
      const { metrics } = await tracking.runs.get(tester, run.id);
      return metrics.map((m) => [m.key, m.direction, m.isDirectionGuessed, m.best, m.bestStep]);
    };
    assert.deepEqual(await summary(), [
      ['score', 'maximize', true, 0.9, 1],
      ['val_loss', 'minimize', true, 3, 0],
    ]);
    const set = (directions: Parameters<typeof tracking.metrics.setDirections>[2]) =>
      tracking.metrics.setDirections(tester, experimentId, directions);
    const entry = { key: 'score', direction: 'minimize', isGuessed: false } as const;
    assert.deepEqual(await set([{ key: 'score', direction: 'minimize' }]), [entry]);
    assert.deepEqual(await tracking.metrics.directions(tester, experimentId), [entry]);
    assert.deepEqual((await summary())[0], ['score', 'minimize', false, 0.2, 0]);
    assert.deepEqual(await set([{ key: 'score', direction: null }]), [
      { key: 'score', direction: 'maximize', isGuessed: true },
    ]);
    assert.deepEqual((await summary())[0], ['score', 'maximize', true, 0.9, 1]);
  });

  test(`${name}: the mean is of the numbers, however the points came in`, async (t) => {
    const { tracking, start } = await startedExperiment(t, open);
    const run = await start();
    const values = Array.from({ length: 40 }, (_, i) => (i % 7 === 3 ? Number.NaN : Math.sin(i) * 100));
    for (let from = 0; from < values.length; from += 9) {
      const metrics = values
        .slice(from, from + 9)
        .map((value, i) => ({ key: 'm', step: from + i, timeMs: 1, value }));
      // Twice: points that are there already do not count.
      for (const _ of [1, 2]) await tracking.logging.batch(tester, run.id, { metrics, params: [], tags: [] });
    }
    const [metric] = (await tracking.runs.get(tester, run.id)).metrics;
    const numbers = values.filter((value) => !Number.isNaN(value));
    const mean = numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
    assert.equal(metric?.count, 40);
    assert.ok(Math.abs((metric?.mean ?? 0) - mean) < 1e-9);
  });
});

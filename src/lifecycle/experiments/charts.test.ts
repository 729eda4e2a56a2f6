import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRng } from '../../core/rng.ts';
import { forEachDatabase } from '../../platform/db/testing.ts';
import { comparePoints, type MetricInput, type MetricPoint, toPoint } from './metric-point.ts';
import { startedExperiment, tester } from './testing.ts';

forEachDatabase((name, open) => {
  test(`${name}: charts of long histories tell the truth after late, double and missing values`, async (t) => {
    const { tracking, start } = await startedExperiment(t, open);
    const run = await start();
    const rng = createRng(1);
    const all = new Map<string, MetricPoint>();
    const log = async (steps: readonly number[]): Promise<void> => {
      const metrics = steps.map((step): MetricInput => {
        const value = rng.next() < 0.05 ? Number.NaN : rng.next() * 100;
        return { key: 'm', step, timeMs: 1000 + Math.floor(rng.next() * 3), value };
      });
      // Each twice: what is there already changes nothing.
      for (let from = 0; from < metrics.length; from += 500) {
        const part = metrics.slice(from, from + 500);
        const batch = { metrics: [...part, ...part], params: [], tags: [] };
        await tracking.logging.batch(tester, run.id, batch);
      }
      for (const metric of metrics) all.set(JSON.stringify(toPoint(metric)), toPoint(metric));
    };

    const check = async (range: { startStep: number; endStep: number } | null): Promise<void> => {
      const points = [...all.values()]
        .filter((p) => !range || (p.step >= range.startStep && p.step <= range.endStep))
        .sort(comparePoints);
      const query = { runId: run.id, key: 'm', range };
      const chart = await tracking.metrics.buckets(tester, { ...query, buckets: 30 });
      assert.equal(chart.totalCount, all.size);
      assert.ok(chart.buckets.length <= 30);
      let from = 0;
      for (const bucket of chart.buckets) {
        const inBucket = points.slice(from, from + bucket.count);
        const values = inBucket.filter((p) => !p.isNan).map((p) => p.value);
        assert.deepEqual(bucket.last, inBucket.at(-1));
        assert.equal(bucket.min?.value, values.length > 0 ? Math.min(...values) : undefined);
        assert.equal(bucket.max?.value, values.length > 0 ? Math.max(...values) : undefined);
        from += bucket.count;
      }
      assert.equal(from, points.length);

      const sampled = await tracking.metrics.sampled(tester, { ...query, count: 50 });
      assert.ok(sampled.length <= 50);
      assert.deepEqual([...sampled].sort(comparePoints), sampled);
      const keys = new Set(points.map((p) => JSON.stringify(p)));
      assert.ok(sampled.every((p) => keys.has(JSON.stringify(p))));
      const numbers = points.filter((p) => !p.isNan).map((p) => p.value);
      const shown = sampled.filter((p) => !p.isNan).map((p) => p.value);
      assert.equal(Math.max(...shown), Math.max(...numbers));
      assert.equal(Math.min(...shown), Math.min(...numbers));
      assert.deepEqual([sampled[0], sampled.at(-1)], [points[0], points.at(-1)]);
    };

    const steps = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
    const ranges = [null, { startStep: 100, endStep: 9000 }, { startStep: 4090, endStep: 4200 }];
    await log(steps(0, 9500));
    for (const range of ranges) await check(range);
    // Late ones, in front and in the middle of what is summarised; and more behind.
    await log([3, 3, 4100, 4101, 5000]);
    await check(null);
    await log(steps(9500, 13_000));
    await log(new Array(300).fill(8000));
    for (const range of [...ranges, { startStep: 8000, endStep: 8000 }]) await check(range);
  });

  test(`${name}: of a history that fits all points are given, of one point the last`, async (t) => {
    const { tracking, start } = await startedExperiment(t, open);
    const run = await start();
    const metrics = [5, 1, 3].map((step) => ({ key: 'm', step, timeMs: 1, value: step }));
    await tracking.logging.batch(tester, run.id, { metrics, params: [], tags: [] });
    const sampled = async (count: number) =>
      (await tracking.metrics.sampled(tester, { runId: run.id, key: 'm', count, range: null })).map(
        (p) => p.step,
      );
    assert.deepEqual(await sampled(3), [1, 3, 5]);
    assert.deepEqual(await sampled(2), [1, 5]);
    assert.deepEqual(await sampled(1), [5]);
  });
});

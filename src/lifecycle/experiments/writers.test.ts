import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statements } from '../../platform/db/index.ts';
import { forEachDatabase } from '../../platform/db/testing.ts';
import { addPoints } from './store/metrics.ts';
import { findRunRow } from './store/runs.ts';
import { settleEverything } from './store/settling.ts';
import { openExperiments, startedExperiment, tester } from './testing.ts';

const metric = (key: string, step: number, value: number) => ({ key, step, timeMs: step, value });

forEachDatabase((name, open) => {
  test(`${name}: twenty writers in each other's way on the metrics of one run lose no point`, async (t) => {
    const { tracking, start } = await startedExperiment(t, open);
    const run = await start();
    const [writers, batches, keys] = [20, 15, 6];
    await Promise.all(
      Array.from({ length: writers }, async (_, writer) => {
        for (let batch = 0; batch < batches; batch++) {
          // Each writer names the metrics in an order of its own, and its steps lie between those of the others.
          const metrics = Array.from({ length: keys }, (_, i) =>
            metric(`m${(i + writer) % keys}`, batch * writers + ((writer * 7) % writers), writer),
          );
          const tags = [`t${writer % 3}`, `t${(writer + 1) % 3}`].map((key) => ({ key, value: `${batch}` }));
          await tracking.logging.batch(tester, run.id, { metrics, params: [], tags });
        }
      }),
    );
    const read = await tracking.runs.get(tester, run.id);
    assert.deepEqual(
      read.metrics.map((m) => [m.key, m.count, m.first.step, m.last.step, m.min, m.max]),
      Array.from({ length: keys }, (_, i) => [`m${i}`, writers * batches, 0, writers * batches - 1, 0, 19]),
    );
    for (let i = 0; i < keys; i++) {
      const { items } = await tracking.metrics.history(tester, { runId: run.id, key: `m${i}`, limit: null });
      assert.deepEqual(
        items.map((p) => p.step),
        Array.from({ length: writers * batches }, (_, step) => step),
      );
    }
  });

  test(`${name}: a write that is taken back takes nothing of the others along`, async (t) => {
    const { tracking, start, db } = await startedExperiment(t, open);
    const run = await start();
    const other = await start();
    const log = (runId: string, step: number, value: number) =>
      tracking.logging.metric(tester, runId, metric('m', step, value));
    await log(run.id, 1, 5);
    await log(other.id, 1, 7);
    const failing = db.write(async (tx) => {
      const row = await findRunRow(tx, run.id);
      await addPoints(
        tx,
        row?.seq ?? -1,
        new Map([['m', [{ step: 2, timeMs: 2, value: 99, isNan: false }]]]),
      );
      throw new Error('second thoughts');
    });
    const outcomes = await Promise.allSettled([log(run.id, 3, 6), failing, log(other.id, 2, 8)]);
    assert.deepEqual(
      outcomes.map((o) => o.status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    await log(run.id, 4, 4);
    const summary = async (id: string) => {
      const [m] = (await tracking.runs.get(tester, id)).metrics;
      return [m?.count, m?.first.value, m?.last.value, m?.min, m?.max, m?.mean];
    };
    assert.deepEqual(await summary(run.id), [3, 5, 4, 4, 6, 5]);
    assert.deepEqual(await summary(other.id), [2, 7, 8, 7, 8, 7.5]);
    const { items } = await tracking.metrics.history(tester, { runId: run.id, key: 'm', limit: null });
    assert.deepEqual(
      items.map((p) => p.value),
      [5, 6, 4],
    );
  });

  test(`${name}: more metrics than are kept in memory are summarised all the same`, async (t) => {
    const { tracking } = await openExperiments(t, open);
    const ids: string[] = [];
    for (let i = 0; i < 22; i++) {
      const made = { experimentId: '0', userId: '', startTimeMs: i, name: '', tags: [] };
      ids.push((await tracking.runs.create(tester, made)).id);
    }
    for (const step of [1, 2]) {
      for (const id of ids) {
        const metrics = Array.from({ length: 1000 }, (_, i) => metric(`m${i}`, step, i * step));
        await tracking.logging.batch(tester, id, { metrics, params: [], tags: [] });
      }
    }
    for (const id of [ids[0], ids[21]]) {
      const { metrics } = await tracking.runs.get(tester, id ?? '');
      assert.equal(metrics.length, 1000);
      assert.ok(metrics.every((m) => m.count === 2 && m.last.step === 2 && m.max === 2 * (m.min ?? 0)));
    }
  });

  test(`${name}: settled, every point lies in its place`, async (t) => {
    const { tracking, start, db } = await startedExperiment(t, open);
    const runs = [await start(), await start()];
    for (const run of runs) {
      const metrics = Array.from({ length: 10 }, (_, i) => metric(`m${i % 2}`, i, i));
      await tracking.logging.batch(tester, run.id, { metrics, params: [], tags: [] });
    }
    await settleEverything(db);
    const count = async (table: string) =>
      (await statements(db.read).all<{ n: number }>(`SELECT count(*) AS n FROM ${table}`, []))[0]?.n;
    assert.deepEqual(
      await Promise.all(['metric_points', 'metric_tail', 'metric_unsummed'].map(count)),
      [20, 0, 0],
    );
  });
});

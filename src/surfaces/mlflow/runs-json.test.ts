import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RunWatch } from '../../lifecycle/experiments/index.ts';
import { startedExperiment, tester } from '../../lifecycle/experiments/testing.ts';
import { forEachDatabase } from '../../platform/db/testing.ts';
import { createLogger } from '../../platform/log/index.ts';
import { runJson } from './wire.ts';

const odd = '"\\/\b\f\n\r\t\u0001\u001f\u007f \u2028é\u{1f680}{}[],:null';
const values = [Number.NaN, Number.POSITIVE_INFINITY, -1e-320, 0.1 + 0.2, 1e21, 123_456_789_012, -0.5, 3];

forEachDatabase((name, open) => {
  test(`${name}: a search writes each run as it is written alone, in order`, async (t) => {
    const { tracking, time, experimentId, start, ...deps } = await startedExperiment(t, open);
    const log = createLogger('test', 'silent');
    const watch = new RunWatch(deps, { lostAfterMs: 60_000, isStepRunning: async () => false, log });
    const { runs, logging, models } = tracking;
    const bare = await start({ name: 'bare' });
    await runs.deleteTag(tester, bare.id, 'mlflow.runName');

    const full = await start({ name: odd, userId: odd, tags: [{ key: 'odd', value: odd }] });
    await logging.batch(tester, full.id, {
      metrics: values.map((value, i) => ({ key: `m${values.length - i}`, value, step: -i, timeMs: i })),
      params: ['z', 'Z', 'é', 'a/b', 'a'].map((key) => ({ key, value: odd })),
      tags: [{ key: 'mlflow.note.content', value: '' }],
    });
    const dataset = { name: odd, digest: 'd1', sourceType: 'code', source: odd };
    const model = await models.create(tester, {
      experimentId,
      name: 'tree',
      params: [],
      tags: [],
      modelType: 'forest',
      sourceRunId: full.id,
    });
    await logging.inputs(tester, full.id, {
      datasets: [
        {
          dataset: { ...dataset, schema: odd, profile: null },
          tags: [{ key: 'mlflow.data.context', value: odd }],
        },
        { dataset: { ...dataset, digest: 'd0', schema: null, profile: '{}' }, tags: [] },
      ],
      modelIds: [model.id],
    });
    await logging.outputs(tester, full.id, [{ modelId: model.id, step: 7 }]);
    await runs.update(tester, full.id, { status: 'FINISHED', endTimeMs: time.nowMs });

    await start({ name: 'silent' });
    time.nowMs += 60_001;
    assert.ok(await watch.look());

    const many = await Promise.all(
      Array.from({ length: 300 }, (_, i) => start({ startTimeMs: 1000 + ((i * 7) % 300) })),
    );

    const page = await runs.searchJson(tester, { experimentIds: [experimentId], limit: 1000 });
    assert.equal(page.next, null);
    const text = page.items.map((part) => Buffer.from(part).toString()).join(',');
    const found: readonly unknown[] = JSON.parse(`[${text}]`);
    const { items } = await runs.search(tester, { experimentIds: [experimentId], limit: 1000 });
    assert.deepEqual([found.length, items.length], [many.length + 3, many.length + 3]);
    for (const [i, run] of items.entries()) {
      assert.deepEqual(found[i], JSON.parse(JSON.stringify(runJson(run))), run.name);
    }
  });
});

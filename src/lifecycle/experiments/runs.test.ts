import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forEachDatabase } from '../../platform/db/testing.ts';
import type { RunRecord } from './records.ts';
import { refused, startedExperiment, tester } from './testing.ts';

const ids = (runs: { readonly items: readonly RunRecord[] }) => runs.items.map((run) => run.name);

forEachDatabase((name, open) => {
  test(`${name}: a run keeps params for ever, overwrites tags, and mirrors its name`, async (t) => {
    const { tracking, start } = await startedExperiment(t, open);
    const run = await start({ tags: [{ key: 'mlflow.runName', value: 'swift' }] });
    assert.equal(run.name, 'swift');
    await tracking.logging.param(tester, run.id, { key: 'lr', value: '0.1' });
    await tracking.logging.param(tester, run.id, { key: 'lr', value: '0.1' });
    await assert.rejects(
      tracking.logging.param(tester, run.id, { key: 'lr', value: '0.2' }),
      refused(
        'param_changed',
        /Param with key='lr' was already logged with value='0.1' .* new value '0.2'\.$/,
      ),
    );
    const batch = {
      metrics: [],
      params: [
        { key: 'lr', value: '1' },
        { key: 'new', value: 'x' },
      ],
      tags: [],
    };
    await assert.rejects(
      tracking.logging.batch(tester, run.id, batch),
      refused(
        'param_changed',
        /logged='\[\{'key': 'lr', 'old_value': '0.1', 'new_value': '1'\}\]' for run ID/,
      ),
    );
    await tracking.logging.tag(tester, run.id, { key: 'mlflow.runName', value: 'slow' });
    await tracking.logging.tag(tester, run.id, { key: 't', value: 'x'.repeat(9000) });
    const read = await tracking.runs.get(tester, run.id);
    assert.deepEqual(read.params, [{ key: 'lr', value: '0.1' }]);
    assert.equal(read.name, 'slow');
    assert.equal(read.tags.find((tag) => tag.key === 't')?.value.length, 8000);
    await tracking.runs.update(tester, run.id, { name: 'third', status: 'FINISHED', endTimeMs: 9 });
    assert.equal(
      (await tracking.runs.get(tester, run.id)).tags.find((x) => x.key === 'mlflow.runName')?.value,
      'third',
    );
    await tracking.runs.delete(tester, run.id);
    await assert.rejects(
      tracking.logging.tag(tester, run.id, { key: 't', value: '' }),
      refused('run_inactive', /must be in the 'active' state\. Current state is deleted\.$/),
    );
    await assert.rejects(
      tracking.runs.get(tester, 'nope'),
      refused('run_unknown', /Run with id=nope not found/),
    );
    await assert.rejects(
      start({ name: 'a', tags: [{ key: 'mlflow.runName', value: 'b' }] }),
      refused('tracking_invalid', /with different values/),
    );
  });

  test(`${name}: twenty writers on one run lose nothing`, async (t) => {
    const { tracking, start } = await startedExperiment(t, open);
    const run = await start();
    await Promise.all(
      Array.from({ length: 20 }, (_, w) =>
        tracking.logging.batch(tester, run.id, {
          metrics: Array.from({ length: 40 }, (_, i) => ({
            key: `m${(i * 7 + w) % 10}`,
            step: w,
            timeMs: i,
            value: w + i,
          })),
          params: [{ key: `p${w}`, value: 'x' }],
          tags: [{ key: 'writer', value: String(w) }],
        }),
      ),
    );
    const read = await tracking.runs.get(tester, run.id);
    assert.equal(
      read.metrics.reduce((sum, m) => sum + m.count, 0),
      800,
    );
    assert.equal(read.params.length, 20);
    for (const metric of read.metrics) assert.equal(metric.last.step, 19);
  });

  test(`${name}: runs are searched and ordered, missing values last, NaN before them`, async (t) => {
    const { tracking, start, experimentId } = await startedExperiment(t, open);
    const values: readonly (readonly [string, number | null])[] = [
      ['a', 0.3],
      ['b', null],
      ['c', Number.NaN],
      ['d', 0.9],
      ['e', 0.3],
    ];
    for (const [i, [runName, value]] of values.entries()) {
      const run = await start({ name: runName, startTimeMs: i });
      await tracking.logging.param(tester, run.id, { key: 'my key', value: runName });
      if (value !== null)
        await tracking.logging.metric(tester, run.id, { key: 'auc', value, step: 0, timeMs: 0 });
    }
    const search = async (filter: string, orderBy: readonly string[] = []) =>
      ids(await tracking.runs.search(tester, { experimentIds: [experimentId], filter, orderBy, limit: 100 }));
    assert.deepEqual(await search('', ['metrics.auc']), ['e', 'a', 'd', 'c', 'b']);
    assert.deepEqual(await search('', ['metrics.auc DESC', 'start_time ASC']), ['d', 'a', 'e', 'c', 'b']);
    assert.deepEqual(await search('metrics.auc > 0.1'), ['e', 'd', 'a']);
    assert.deepEqual(await search('metrics.auc != 0.3'), ['d', 'c']);
    assert.deepEqual(await search('metrics.auc = 0'), []);
    assert.deepEqual(await search("params.`my key` = 'a' and attributes.start_time <= 0"), ['a']);
    assert.deepEqual(await search(`params."my key" ILIKE 'A%'`), ['a']);
    assert.deepEqual(await search(`params."my key" LIKE 'A%'`), []);
    assert.deepEqual(await search("run_name = 'd'"), ['d']);
    assert.deepEqual(
      await search("tags.nope IS NULL AND user_id = 'ada' AND status = 'RUNNING'", ['params.`my key` DESC']),
      ['e', 'd', 'c', 'b', 'a'],
    );
    assert.deepEqual(await search("status != 'RUNNING'"), []);
    const pages: string[] = [];
    let after: string | undefined;
    do {
      const page = await tracking.runs.search(tester, {
        experimentIds: null,
        orderBy: ['metrics.auc DESC'],
        limit: 2,
        after,
      });
      pages.push(...ids(page));
      after = page.next ?? undefined;
    } while (after);
    assert.deepEqual(pages, ['d', 'e', 'a', 'c', 'b']);
    const [first] = (await tracking.runs.search(tester, { experimentIds: [experimentId], limit: 1 })).items;
    assert.deepEqual(await search(`run_id IN ('${first?.id}', 'x')`), ['e']);
  });

  test(`${name}: datasets and models are linked to a run and searchable`, async (t) => {
    const { tracking, start } = await startedExperiment(t, open);
    const run = await start();
    const dataset = {
      name: 'jan',
      digest: 'abc',
      sourceType: 'local',
      source: '{}',
      schema: null,
      profile: null,
    };
    const tags = [{ key: 'mlflow.data.context', value: 'training' }];
    await tracking.logging.inputs(tester, run.id, { datasets: [{ dataset, tags }], modelIds: [] });
    await tracking.logging.inputs(tester, run.id, { datasets: [{ dataset, tags: [] }], modelIds: ['m-1'] });
    const read = await tracking.runs.get(tester, run.id);
    assert.deepEqual(read.inputs, [{ dataset, tags }]);
    assert.deepEqual(read.modelInputs, ['m-1']);
    const search = (filter: string) =>
      tracking.runs.search(tester, { experimentIds: null, filter, limit: 9 });
    assert.equal((await search("dataset.context = 'training' AND datasets.name = 'jan'")).items.length, 1);
    assert.equal((await search("dataset.digest IN ('x')")).items.length, 0);
  });

  test(`${name}: what a batch may hold`, async (t) => {
    const { tracking, start } = await startedExperiment(t, open);
    const run = await start();
    const batch = (part: object) =>
      tracking.logging.batch(tester, run.id, { metrics: [], params: [], tags: [], ...part });
    const metric = { key: 'a', value: 1, step: 0, timeMs: 0 };
    const many = (n: number) => Array.from({ length: n }, (_, i) => ({ key: `k${i}`, value: '' }));
    const cases: readonly (readonly [object, RegExp])[] = [
      [
        { metrics: Array.from({ length: 1001 }, () => metric) },
        /at most 1000 metrics\. Got 1001 metrics\. Please split up metrics/,
      ],
      [{ params: many(101) }, /at most 100 params/],
      [{ tags: many(101) }, /at most 100 tags/],
      [
        { metrics: Array.from({ length: 950 }, () => metric), params: many(60) },
        /at most 1000 metrics, params, and tags\. Got 1010/,
      ],
      [{ params: [...many(1), ...many(1)] }, /Duplicate parameter keys have been submitted: \['k0'\]/],
      [
        { metrics: [{ ...metric, key: '../a' }] },
        /Invalid value "\.\.\/a" for parameter 'metrics\[0\]\.name' supplied: .*resolve to '\.\.\/a'/,
      ],
      [{ metrics: [{ ...metric, key: 'a*b' }] }, /Names may only contain alphanumerics/],
      [{ metrics: [{ ...metric, timeMs: -1 }] }, /'metrics\[0\]\.timestamp' supplied: .*nonnegative long/],
      [
        { metrics: [{ ...metric, key: 'k'.repeat(251) }] },
        /'Metric name' exceeds the maximum length of 250 characters/,
      ],
      [{ tags: [{ key: '', value: '' }] }, /Invalid value "" for parameter 'tags\[0\]\.key' supplied/],
    ];
    for (const [part, message] of cases)
      await assert.rejects(batch(part), refused('tracking_invalid', message));
    await batch({ params: [{ key: 'long', value: 'é'.repeat(7000) }] });
    assert.equal((await tracking.runs.get(tester, run.id)).params[0]?.value.length, 6000);
  });
});

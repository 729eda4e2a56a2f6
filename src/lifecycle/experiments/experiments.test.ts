import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { MillraceError } from '../../core/errors.ts';
import type { Actor } from '../../platform/access/index.ts';
import { forEachDatabase } from '../../platform/db/testing.ts';
import type { RunRecord } from './records.ts';
import { openExperiments, tester } from './testing.ts';

const job: Actor = { kind: 'job', id: 'step-1' };

const refused = (code: string, detail?: RegExp) => (error: unknown) => {
  assert.ok(error instanceof MillraceError, String(error));
  assert.equal(error.code, code);
  if (detail) assert.match(error.message, detail);
  return true;
};

forEachDatabase((name, open) => {
  const setup = async (t: Parameters<typeof openExperiments>[0]) => {
    const opened = await openExperiments(t, open);
    const { tracking } = opened;
    const experimentId = await tracking.experiments.create(tester, { name: 'flights', tags: [] });
    const start = (change: Partial<Parameters<typeof tracking.runs.create>[1]> = {}, actor = tester) =>
      tracking.runs.create(actor, {
        experimentId,
        userId: 'ada',
        startTimeMs: 5,
        name: '',
        tags: [],
        ...change,
      });
    return { ...opened, experimentId, start };
  };
  const ids = (runs: { readonly items: readonly RunRecord[] }) => runs.items.map((run) => run.name);

  test(`${name}: experiments are created, found, renamed, deleted and restored`, async (t) => {
    const { tracking, journal, time } = await openExperiments(t, open);
    const { experiments } = tracking;
    const id = await experiments.create(tester, { name: 'a', tags: [{ key: 'k', value: 'v' }] });
    const made = await experiments.getByName(tester, 'a');
    assert.deepEqual(made.tags, [{ key: 'k', value: 'v' }]);
    assert.equal(made.artifactLocation, `mlflow-artifacts:/${id}`);
    assert.equal((await experiments.get(tester, '')).name, 'Default');
    await assert.rejects(experiments.create(tester, { name: 'a', tags: [] }), refused('experiment_exists'));
    await assert.rejects(experiments.create(tester, { name: '', tags: [] }), refused('tracking_invalid'));
    await assert.rejects(experiments.rename(tester, id, 'Default'), refused('experiment_exists'));
    await experiments.rename(tester, id, 'b');
    const run = await tracking.runs.create(tester, {
      experimentId: id,
      userId: '',
      startTimeMs: 1,
      name: '',
      tags: [],
    });
    time.nowMs += 1;
    await experiments.delete(tester, id);
    await assert.rejects(experiments.delete(tester, id), refused('experiment_unknown'));
    assert.equal((await tracking.runs.get(tester, run.id)).lifecycleStage, 'deleted');
    await assert.rejects(
      experiments.setTag(tester, id, { key: 'k', value: '' }),
      refused('experiment_inactive'),
    );
    await assert.rejects(experiments.create(tester, { name: 'b', tags: [] }), refused('experiment_exists'));
    const deleted = await experiments.search(tester, { view: 'deleted', limit: 10 });
    assert.deepEqual(
      deleted.items.map((e) => e.name),
      ['b'],
    );
    time.nowMs += 1;
    await experiments.restore(tester, id);
    assert.equal((await tracking.runs.get(tester, run.id)).lifecycleStage, 'active');
    await assert.rejects(
      experiments.get(tester, 'x'),
      refused('tracking_invalid', /must be a valid integer/),
    );
    const audited = await journal.auditEntries({ limit: 10 });
    assert.deepEqual(
      audited.map((e) => e.action),
      ['experiment:restore', 'experiment:delete', 'experiment:rename'],
    );
  });

  test(`${name}: experiments are searched in pages`, async (t) => {
    const { tracking, time } = await openExperiments(t, open);
    for (const n of ['one', 'two', 'three']) {
      time.nowMs += 1;
      await tracking.experiments.create(tester, { name: n, tags: [{ key: 'team', value: n }] });
    }
    const search = (query: object) => tracking.experiments.search(tester, { limit: 2, ...query });
    const first = await search({});
    assert.deepEqual(
      first.items.map((e) => e.name),
      ['three', 'two'],
    );
    const second = await search({ after: first.next ?? '' });
    assert.deepEqual(
      second.items.map((e) => e.name),
      ['one', 'Default'],
    );
    assert.equal(second.next, null);
    assert.deepEqual(
      (await search({ filter: "name LIKE 't%' AND tags.team != 'two'" })).items.map((e) => e.name),
      ['three'],
    );
    assert.deepEqual(
      (await search({ filter: 'tags.team IS NULL' })).items.map((e) => e.name),
      ['Default'],
    );
    assert.deepEqual(
      (await search({ orderBy: ['name'] })).items.map((e) => e.name),
      ['Default', 'one'],
    );
    await assert.rejects(search({ after: 'nonsense' }), refused('invalid_page_token'));
    await assert.rejects(
      search({ filter: 'metrics.a > 1' }),
      refused('filter_invalid', /Invalid entity type 'metrics'/),
    );
  });

  test(`${name}: a run keeps params for ever, overwrites tags, and mirrors its name`, async (t) => {
    const { tracking, start } = await setup(t);
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

  test(`${name}: metrics keep every distinct point and a summary by step, time and value`, async (t) => {
    const { tracking, start } = await setup(t);
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
    const { tracking, start } = await setup(t);
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

  test(`${name}: twenty writers on one run lose nothing`, async (t) => {
    const { tracking, start } = await setup(t);
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
    const { tracking, start, experimentId } = await setup(t);
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
    const { tracking, start } = await setup(t);
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

  test(`${name}: a step finds the runs, models and files that its script logged`, async (t) => {
    const { tracking, start, experimentId } = await setup(t);
    await start();
    const run = await start({}, job);
    assert.deepEqual(run.tags.at(-1), { key: 'millrace.step', value: 'step-1' });
    const model = await tracking.models.create(job, {
      experimentId,
      name: 'late',
      modelType: '',
      sourceRunId: run.id,
      params: [{ key: 'depth', value: '3' }],
      tags: [],
    });
    await tracking.logging.outputs(job, run.id, [{ modelId: model.id, step: 0 }]);
    await tracking.logging.metric(job, run.id, {
      key: 'auc',
      value: 0.7,
      step: 1,
      timeMs: 2,
      modelId: model.id,
    });
    await tracking.artifacts.put(
      job,
      tracking.artifacts.pathIn(model.artifactUri, 'MLmodel'),
      Buffer.from('x: 1'),
    );
    await tracking.artifacts.put(
      job,
      tracking.artifacts.pathIn(model.artifactUri, 'data/model.pkl'),
      Buffer.from('1'),
    );
    await tracking.models.finalize(job, model.id, 'READY');
    assert.deepEqual(
      (await tracking.runs.ofStep(tester, 'step-1')).map((r) => r.id),
      [run.id],
    );
    const [found, ...others] = await tracking.models.ofStep(tester, 'step-1');
    assert.equal(others.length, 0);
    assert.equal(found?.status, 'READY');
    assert.deepEqual(
      found?.files.map((f) => f.path),
      ['MLmodel', 'data/model.pkl'],
    );
    assert.deepEqual(
      found?.metrics.map((m) => [m.key, m.value]),
      [['auc', 0.7]],
    );
    const search = (filter: string) =>
      tracking.models.search(tester, { experimentIds: [experimentId], filter, limit: 5 });
    assert.equal(
      (await search("metrics.auc > 0.5 AND params.depth = '3' AND name = 'late'")).items.length,
      1,
    );
    assert.equal((await search('metrics.auc > 0.8')).items.length, 0);
    await assert.rejects(tracking.models.get(tester, 'm-0'), refused('logged_model_unknown'));
  });

  test(`${name}: artifacts are listed by folder, read, overwritten and deleted; paths cannot leave`, async (t) => {
    const { tracking } = await openExperiments(t, open);
    const { artifacts } = tracking;
    for (const path of [
      '0/r/artifacts/a.txt',
      '0/r/artifacts/dir/b.txt',
      '0/r/artifacts/dir/c/d.txt',
      '0/r2/x',
    ]) {
      await artifacts.put(tester, path, Buffer.from(path));
    }
    await artifacts.put(tester, '0/r/artifacts/a.txt', Buffer.from('new'));
    const root = 'mlflow-artifacts:/0/r/artifacts';
    const list = async (folder: string) =>
      (await artifacts.listRoot(tester, root, folder)).map((e) => [e.path, e.isDirectory, e.sizeBytes]);
    assert.deepEqual(await list(''), [
      ['a.txt', false, 3],
      ['dir', true, null],
    ]);
    assert.deepEqual(await list('dir'), [
      ['dir/b.txt', false, 23],
      ['dir/c', true, null],
    ]);
    assert.deepEqual(await list('a.txt'), []);
    const file = await artifacts.find(tester, '0/r/artifacts/a.txt');
    assert.equal(await text(await artifacts.read(tester, file)), 'new');
    assert.equal(await artifacts.delete(tester, '0/r/artifacts/dir'), 2);
    assert.deepEqual(await list(''), [['a.txt', false, 3]]);
    await assert.rejects(artifacts.find(tester, '0/r/artifacts/dir/b.txt'), refused('artifact_unknown'));
    for (const bad of [
      '../x',
      'a/../../x',
      'a/%2e%2e/x',
      'a/%252e%252e/x',
      '/etc/passwd',
      'C:/x',
      'a\\b',
      'file:///x',
      'a\0b',
      '%2Fetc',
      '',
    ]) {
      await assert.rejects(
        artifacts.put(tester, bad, Buffer.from('')),
        refused('tracking_invalid', /Invalid path/),
        bad,
      );
    }
    await assert.rejects(artifacts.listRoot(tester, 's3://b/x', ''), refused('artifact_elsewhere'));
  });

  test(`${name}: what a batch may hold`, async (t) => {
    const { tracking, start } = await setup(t);
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

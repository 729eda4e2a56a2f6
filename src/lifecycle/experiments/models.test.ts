import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import type { Actor } from '../../platform/access/index.ts';
import { forEachDatabase } from '../../platform/db/testing.ts';
import { openExperiments, refused, startedExperiment, tester } from './testing.ts';

const job: Actor = { kind: 'job', id: 'step-1' };

forEachDatabase((name, open) => {
  test(`${name}: a step finds the runs, models and files that its script logged`, async (t) => {
    const { tracking, start, experimentId } = await startedExperiment(t, open);
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
    assert.deepEqual(await tracking.models.files(tester, model.id), found?.files);
    const search = (filter: string) =>
      tracking.models.search(tester, { experimentIds: [experimentId], filter, limit: 5 });
    assert.equal(
      (await search("metrics.auc > 0.5 AND params.depth = '3' AND name = 'late'")).items.length,
      1,
    );
    assert.equal((await search('metrics.auc > 0.8')).items.length, 0);
    // Names that every object has are no attributes.
    await assert.rejects(search("constructor = 'a'"), refused('filter_invalid'));
    const named = { experimentIds: [experimentId], limit: 5 };
    const orderBy = [{ field: 'toString', ascending: true, dataset: {} }];
    await assert.rejects(tracking.models.search(tester, { ...named, orderBy }), refused('tracking_invalid'));
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
});

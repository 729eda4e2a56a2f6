import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forEachDatabase } from '../../platform/db/testing.ts';
import { openExperiments, refused, tester } from './testing.ts';

forEachDatabase((name, open) => {
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
});

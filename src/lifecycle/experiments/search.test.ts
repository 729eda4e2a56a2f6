import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forEachDatabase } from '../../platform/db/testing.ts';
import { refused, startedExperiment, tester } from './testing.ts';

forEachDatabase((name, open) => {
  /** Runs a to d: rising accuracy, falling loss; c has NaN, d has neither. */
  async function fourRuns(t: Parameters<typeof startedExperiment>[0]) {
    const opened = await startedExperiment(t, open);
    const { tracking, start, experimentId, time } = opened;
    const names = new Map<string, string>();
    for (const [i, name] of ['a', 'b', 'c', 'd'].entries()) {
      const run = await start({ name, startTimeMs: time.nowMs - (4 - i) * 3_600_000 });
      names.set(run.id, name);
      const values = name === 'c' ? [Number.NaN] : [3 - i, 1 - i];
      const metrics =
        name === 'd' ? [] : values.map((value, step) => ({ key: 'loss', step, timeMs: 1, value }));
      await tracking.logging.batch(tester, run.id, {
        metrics: [...metrics, { key: 'acc.max', step: 0, timeMs: 1, value: i }],
        params: [{ key: 'lr', value: ['0.1', '0.01', 'none', '1e-3'][i] ?? '' }],
        tags: name === 'd' ? [] : [{ key: 'ok', value: i === 0 ? 'True' : 'false' }],
      });
      if (i < 2) {
        const endTimeMs = time.nowMs - (4 - i) * 3_600_000 + (i + 1) * 60_000;
        await tracking.runs.update(tester, run.id, { status: 'FINISHED', endTimeMs });
      }
    }
    const find = async (filter: string, orderBy = 'name') => {
      const query = {
        experimentIds: [experimentId],
        filter,
        orderBy: [orderBy],
        grammar: 'millrace' as const,
      };
      const page = await tracking.runs.search(tester, { ...query, limit: 100, count: true });
      assert.equal(page.totalCount, page.items.length, filter);
      return page.items.map((run) => names.get(run.id)).join('');
    };
    return { ...opened, find, names };
  }

  test(`${name}: filters of our own grammar find what they say`, async (t) => {
    const { find } = await fourRuns(t);
    const expected: Readonly<Record<string, string>> = {
      '': 'abcd',
      "name = 'a' OR name = 'b' AND params.lr = 'none'": 'a',
      "(name = 'a' OR name = 'b') AND NOT params.lr = '0.1'": 'b',
      'NOT metrics.loss < 1': 'acd',
      'metrics.loss < 1': 'b',
      'metrics.loss != 1': 'bc',
      'metrics.loss NOT IN (1, 2)': 'bc',
      'metrics.loss IN (0, 1)': 'ab',
      'metrics.loss IS NULL': 'd',
      'metrics.loss.min <= 1': 'ab',
      'metrics.loss.max = 3': 'a',
      'metrics.loss.first = 2': 'b',
      'metrics.loss.mean > 1.5': 'a',
      'metrics.loss.count = 2': 'ab',
      'metrics.loss.best < 1': 'b',
      'metrics.loss.best IS NULL': 'cd',
      'NOT metrics.loss.min > 0': 'bcd',
      'metrics.acc.max >= 2': 'cd',
      'metrics.`acc.max`.min >= 3': 'd',
      'params.lr < 0.05': 'bd',
      'params.lr >= 0.1': 'a',
      'params.lr IN (0.001, 0.1)': 'ad',
      "params.lr IN ('0.1', 'none')": 'ac',
      'tags.ok = true': 'a',
      'tags.ok != true': 'bc',
      'tags.ok IS NULL': 'd',
      "params.lr MATCHES '^0\\.\\d+$'": 'ab',
      "params.lr NOT MATCHES '^\\d'": 'c',
      "name LIKE 'A' OR name ILIKE 'B'": 'b',
      "name NOT LIKE '%a%'": 'bcd',
      "age < '150m'": 'cd',
      'age > 2h': 'ab',
      'start_time > now() - 150m': 'cd',
      'duration <= 60': 'a',
      "duration > '90s'": 'b',
      'NOT duration > 90': 'acd',
      'end_time IS NULL': 'cd',
      "status IN ('FINISHED') AND NOT (name = 'a')": 'b',
      'dataset.name IS NULL': 'abcd',
    };
    for (const [filter, runs] of Object.entries(expected)) assert.equal(await find(filter), runs, filter);
  });

  test(`${name}: an existing key that ends like a statistic comes before the statistic`, async (t) => {
    const { find, tracking, start } = await fourRuns(t);
    assert.equal(await find('metrics.loss.min <= 1'), 'ab');
    const run = await start({ name: 'e' });
    await tracking.logging.metric(tester, run.id, { key: 'loss.min', step: 0, timeMs: 1, value: 0.5 });
    assert.equal(await find("metrics.loss.min <= 1 AND name != 'e'"), '');
    assert.equal(await find('metrics.`loss`.min <= 1'), 'ab');
  });

  test(`${name}: every order goes through all runs once, missing values last`, async (t) => {
    const { tracking, experimentId, names } = await fourRuns(t);
    const expected: Readonly<Record<string, string>> = {
      '': 'dcba',
      start_time: 'abcd',
      'metrics.loss': 'bacd',
      'metrics.loss DESC': 'abcd',
      'metrics.loss.max': 'bacd',
      'metrics.loss.best DESC, name': 'abcd',
      'metrics.`acc.max` DESC': 'dcba',
      'params.lr DESC': 'cdab',
      'tags.ok, name': 'abcd',
      'duration DESC': 'badc',
      'metrics.nothing DESC, name DESC': 'dcba',
    };
    for (const [order, runs] of Object.entries(expected)) {
      const query = {
        experimentIds: [experimentId],
        orderBy: order ? [order] : [],
        grammar: 'millrace' as const,
      };
      let found = '';
      for (let after: string | undefined, pages = 0; pages < 5; pages++) {
        const page = await tracking.runs.search(tester, { ...query, limit: 1, after });
        found += page.items.map((run) => names.get(run.id)).join('');
        if (page.next === null) break;
        after = page.next;
      }
      assert.equal(found, runs, order);
    }
  });

  test(`${name}: a token is refused by another order and by another list`, async (t) => {
    const { tracking, experimentId } = await fourRuns(t);
    const query = { experimentIds: [experimentId], limit: 1, grammar: 'millrace' as const };
    const { next } = await tracking.runs.search(tester, { ...query, orderBy: ['metrics.loss'] });
    const after = next ?? '';
    for (const orderBy of [['metrics.loss DESC'], ['metrics.acc'], []]) {
      const search = tracking.runs.search(tester, { ...query, orderBy, after });
      await assert.rejects(search, refused('invalid_page_token'));
    }
    await assert.rejects(
      tracking.experiments.search(tester, { limit: 1, after }),
      refused('invalid_page_token'),
    );
  });

  test(`${name}: a field mask gives what it names, and the count is of all`, async (t) => {
    const { tracking, experimentId } = await fourRuns(t);
    const query = { experimentIds: [experimentId], grammar: 'millrace' as const, limit: 2, count: true };
    const page = await tracking.runs.search(tester, { ...query, fields: 'metrics.loss, tags, name' });
    assert.equal(page.totalCount, 4);
    const [, c] = page.items;
    assert.equal(c?.name, 'c');
    assert.deepEqual(
      c?.metrics.map((m) => m.key),
      ['loss'],
    );
    assert.deepEqual([c?.params, c?.tags.map((tag) => tag.key)], [[], ['mlflow.runName', 'ok']]);
  });

  test(`${name}: the keys of an experiment's runs are listed in pages, by text and kind`, async (t) => {
    const { tracking, experimentId, start } = await fourRuns(t);
    const run = await start({ name: 'wide' });
    const keys = Array.from({ length: 1200 }, (_, i) => `layer_${String(i).padStart(4, '0')}/Grad`);
    for (let from = 0; from < keys.length; from += 400) {
      const metrics = keys.slice(from, from + 400).map((key) => ({ key, step: 0, timeMs: 1, value: 1 }));
      await tracking.logging.batch(tester, run.id, { metrics, params: [], tags: [] });
    }
    const columns = async (query: object) => {
      const page = await tracking.runs.columns(tester, experimentId, { limit: 1000, ...query });
      return { ...page, shown: page.items.map((c) => `${c.kind} ${c.key} ${c.latestRuns}`) };
    };
    assert.deepEqual((await columns({ kind: 'param' })).shown, ['param lr 4']);
    assert.deepEqual((await columns({ query: 'OSS' })).shown, ['metric loss 3']);
    assert.deepEqual((await columns({ query: '_0123/grad' })).shown, ['metric layer_0123/Grad 1']);
    assert.deepEqual((await columns({ query: '%' })).shown, []);
    const first = await columns({});
    const second = await columns({ after: first.next ?? undefined });
    assert.equal(second.next, null);
    const all = [...first.shown, ...second.shown];
    assert.equal(all.length, 1200 + 2 + 1 + 2);
    assert.equal(new Set(all).size, all.length);
    assert.deepEqual(all.slice(-2), ['tag mlflow.runName 5', 'tag ok 3']);
    await assert.rejects(tracking.runs.columns(tester, '999', { limit: 1 }), refused('experiment_unknown'));
  });

  test(`${name}: experiments are found and ordered by our own grammar`, async (t) => {
    const { tracking } = await startedExperiment(t, open);
    for (const team of ['ops', 'ml']) {
      await tracking.experiments.create(tester, { name: `x-${team}`, tags: [{ key: 'team', value: team }] });
    }
    const find = async (filter: string, orderBy = 'name') => {
      const query = { filter, orderBy: [orderBy], grammar: 'millrace' as const, limit: 10, count: true };
      const page = await tracking.experiments.search(tester, query);
      assert.equal(page.totalCount, page.items.length);
      return page.items.map((experiment) => experiment.name);
    };
    assert.deepEqual(await find("tags.team = 'ml' OR name MATCHES '^fl'"), ['flights', 'x-ml']);
    assert.deepEqual(await find('NOT tags.team IS NOT NULL'), ['Default', 'flights']);
    assert.deepEqual(await find("age < '1d' AND id != '0' AND id NOT IN ('77')"), [
      'flights',
      'x-ml',
      'x-ops',
    ]);
    assert.deepEqual(await find("name LIKE 'x%'", 'tags.team DESC'), ['x-ops', 'x-ml']);
  });

  test(`${name}: logged models are found and ordered by our own grammar`, async (t) => {
    const { tracking, start, experimentId, time } = await startedExperiment(t, open);
    const run = await start();
    for (const [i, type] of ['tree', 'net', ''].entries()) {
      time.nowMs += 1000;
      const model = await tracking.models.create(tester, {
        experimentId,
        name: `m${i}`,
        modelType: type,
        sourceRunId: run.id,
        params: [{ key: 'depth', value: String(i) }],
        tags: [],
      });
      for (const step of [0, 1]) {
        const value = i + step / 2;
        const point = { key: 'auc', value, step, timeMs: step, modelId: model.id };
        if (i < 2) await tracking.logging.metric(tester, run.id, point);
      }
    }
    const find = async (filter: string, orderBy?: string) => {
      const query = { experimentIds: [experimentId], filter, orderBy, limit: 10 };
      return (await tracking.models.list(tester, query)).items.map((model) => model.name).join();
    };
    assert.equal(await find(''), 'm2,m1,m0');
    assert.equal(await find("model_type = 'net' OR params.depth < 1", 'name'), 'm0,m1');
    assert.equal(await find('NOT metrics.auc IS NOT NULL'), 'm2');
    assert.equal(await find('metrics.auc.max = 0.5 OR metrics.auc.first = 1', 'name'), 'm0,m1');
    assert.equal(await find('metrics.auc.count = 2 AND metrics.auc.mean > 1'), 'm1');
    assert.equal(await find("name MATCHES '^m[01]$' AND age < '1h'", 'metrics.auc DESC'), 'm1,m0');
    await assert.rejects(
      find('', 'metrics.`auc`.max'),
      refused('filter_invalid', /not ordered by the max of auc/),
    );
  });
});

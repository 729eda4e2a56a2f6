import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forEachDatabase } from '../../platform/db/testing.ts';
import { tester } from '../experiments/testing.ts';
import { openRegistry } from './testing.ts';

const digest = (n: number) => `sha256:${String(n).repeat(64)}` as const;

forEachDatabase((dialect, open) => {
  test(`${dialect}: models and versions are found by our own grammar`, async (t) => {
    const { registry } = await openRegistry(t, open);
    for (const [name, team] of [
      ['churn', 'ops'],
      ['fraud', 'ml'],
      ['price', undefined],
    ] as const) {
      const tags = team ? [{ key: 'team', value: team }] : [];
      await registry.createModel(tester, { name, tags });
    }
    await registry.createModel(tester, {
      name: 'prompt',
      tags: [{ key: 'mlflow.prompt.is_prompt', value: 'true' }],
    });
    for (const n of [1, 2, 3]) await registry.createVersion(tester, { name: 'churn', digest: digest(n) });
    const grammar = 'millrace' as const;
    const models = async (filter: string, orderBy = 'name') => {
      const query = { filter, orderBy: [orderBy], grammar, limit: 10, count: true };
      const page = await registry.searchModels(tester, query);
      assert.equal(page.totalCount, page.items.length);
      return page.items.map((model) => model.name).join();
    };
    assert.equal(await models(''), 'churn,fraud,price');
    assert.equal(await models("tags.team = 'ops' OR name MATCHES '^p'"), 'churn,price');
    assert.equal(await models('tags.team IS NULL', 'name DESC'), 'price');
    assert.equal(await models("NOT tags.team IN ('ops')", 'tags.team DESC, name'), 'fraud,price');
    assert.equal(await models('', 'tags.team DESC'), 'churn,fraud,price');
    assert.equal(await models("age < '1d' AND tags.`mlflow.prompt.is_prompt` = true"), 'prompt');
    const versions = async (filter: string) => {
      const query = { name: 'churn', filter, grammar, limit: 1, count: true };
      const first = await registry.searchVersions(tester, query);
      const rest = await registry.searchVersions(tester, {
        ...query,
        limit: 9,
        after: first.next ?? undefined,
      });
      const items = first.next === null ? first.items : [...first.items, ...rest.items];
      assert.equal(first.totalCount, items.length);
      return items
        .map((version) => version.version)
        .sort()
        .join();
    };
    assert.equal(await versions('version >= 2 OR version_number = 1'), '1,2,3');
    assert.equal(await versions("version IN (1, 3) AND stage = 'None' AND NOT version = 3"), '1');
    assert.equal(await versions("run_id IS NULL AND status = 'READY' AND age < 60"), '1,2,3');
  });
});

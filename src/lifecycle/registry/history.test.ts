import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Actor } from '../../platform/access/index.ts';
import { forEachDatabase } from '../../platform/db/testing.ts';
import { refused, tester } from '../experiments/testing.ts';
import type { HistoryQuery } from './contract/history.ts';
import { openRegistry } from './testing.ts';

const job: Actor = { kind: 'job', id: 'step-1' };
const digest = (n: number) => `sha256:${String(n).repeat(64)}` as const;
const reason = 'test';
const source = 's3://bucket/model';

forEachDatabase((dialect, open) => {
  test(`${dialect}: every change of a model and its versions is in its history, newest first`, async (t) => {
    const { registry, tick, journal } = await openRegistry(t, open);
    const changes = [
      () => registry.createModel(tester, { name: 'late', tags: [] }),
      () => registry.updateModel(tester, 'late', 'about delays'),
      () => registry.updateModel(tester, 'late', 'about delays'),
      () => registry.setModelTag(tester, 'late', { key: 'team', value: 'a' }),
      () => registry.setModelTag(tester, 'late', { key: 'team', value: 'b' }),
      () => registry.setModelTag(tester, 'late', { key: 'team', value: 'b' }),
      () => registry.deleteModelTag(tester, 'late', 'team'),
      () => registry.deleteModelTag(tester, 'late', 'team'),
      () => registry.registerVersion(job, { name: 'late', source, tags: [] }),
      () => registry.createVersion(tester, { name: 'late', digest: digest(2) }),
      () => registry.updateVersion(tester, 'late', 1, 'the first'),
      () => registry.setVersionTag(tester, 'late', 1, { key: 'k', value: 'v' }),
      () => registry.deleteVersionTag(tester, 'late', 1, 'k'),
      () => registry.transitionStage(tester, 'late', 1, { stage: 'Production', archiveOthers: false }),
      () => registry.transitionStage(tester, 'late', 2, { stage: 'Production', archiveOthers: true }),
      () => registry.setAlias(tester, { name: 'late', alias: 'best', version: 1, reason: 'it is' }),
      () => registry.promote(tester, 'late', { version: 2, reason: 'better' }),
      () =>
        registry.recordGates(tester, 'late', 2, {
          evaluationId: 'e',
          gates: [{ gate: null, name: 'finite', verdict: 'pass', measured: null, reason: 'yes' }],
        }),
      () => registry.approve(tester, 'late', 2, { decision: 'approved', reason: 'looked at it' }),
      () => registry.renameModel(tester, 'late', 'later'),
      () => registry.deleteVersion(tester, 'later', 1),
    ];
    for (const change of changes) {
      await change();
      tick();
    }
    const lines = async (query: Partial<HistoryQuery>) =>
      (await registry.history(tester, 'later', { limit: 100, ...query })).items.map((e) =>
        [e.version ?? '-', e.what, e.key, e.before ?? '∅', e.after ?? '∅']
          .filter((x) => x !== null)
          .join(' '),
      );
    const all = await lines({});
    // Two lines of one change stand in any order.
    const archived = ['1 stage Production Archived', '2 stage None Production'];
    const at = all.findIndex((line) => archived.includes(line));
    assert.deepEqual(all.slice(at, at + 2).sort(), archived);
    assert.deepEqual(all.toSpliced(at, 2), [
      `1 deleted ${source} ∅`,
      '- alias best 1 ∅',
      '- renamed late later',
      '2 approval ∅ approved',
      '2 gates ∅ 1 pass',
      '- alias champion ∅ 2',
      '- alias best ∅ 1',
      '1 stage None Production',
      '1 tag k v ∅',
      '1 tag k ∅ v',
      '1 description  the first',
      `2 created ∅ blob:${digest(2)}`,
      `1 created ∅ ${source}`,
      '- tag team b ∅',
      '- tag team a b',
      '- tag team ∅ a',
      '- description  about delays',
      '- created ∅ ∅',
    ]);
    const [first, last] = (await registry.history(tester, 'later', { limit: 100 })).items;
    assert.deepEqual([first?.by, first?.reason], ['user:tester', 'no reason given']);
    assert.equal(last?.reason, 'the version was deleted');
    assert.equal(
      (await registry.history(tester, 'later', { what: 'created', version: 1, limit: 9 })).items[0]?.by,
      'job:step-1',
    );
    assert.deepEqual(
      await lines({ version: 2 }),
      all.filter((line) => /^2 |champion/.test(line)),
    );
    assert.deepEqual(await lines({ version: 1, what: 'alias' }), ['- alias best 1 ∅', '- alias best ∅ 1']);

    const paged: string[] = [];
    for (let after: string | undefined; ; ) {
      const page = await registry.history(tester, 'later', { limit: 3, after });
      paged.push(...page.items.map(({ id }) => id));
      if (page.next === null) break;
      after = page.next;
    }
    assert.equal(new Set(paged).size, all.length);
    const audited = (await journal.auditEntries({ limit: 100 })).map(({ action }) => action);
    // The stage that was archived and the alias that went with its version are told with what caused them.
    assert.equal(audited.length, all.length - 2);
  });

  test(`${dialect}: a protected alias is moved by who may, or with a reason to what a person approved`, async (t) => {
    const { registry, tick } = await openRegistry(t, open);
    for (const n of [1, 2]) await registry.createVersion(tester, { name: 'late', digest: digest(n) });
    await registry.createVersion(tester, { name: 'other', digest: digest(3) });
    const move = (actor: Actor, alias: string, version: number | null, why?: string, name = 'late') => {
      const input = { name, alias, ...(why === undefined ? {} : { reason: why }) };
      return version === null
        ? registry.clearAlias(actor, input)
        : registry.setAlias(actor, { ...input, version });
    };
    const isProtected = (pattern: string) => refused('alias_protected', new RegExp(`\\(${pattern}\\)`));
    await move(job, 'prod-eu', 1);
    await assert.rejects(move(job, 'champion', 1, reason), isProtected('champion'));

    await assert.rejects(registry.protectAlias(job, { pattern: 'prod*', reason }), refused('forbidden'));
    await assert.rejects(
      registry.protectAlias(tester, { model: 'none', pattern: 'x', reason }),
      refused('registered_model_unknown'),
    );
    await assert.rejects(registry.protectAlias(tester, { pattern: 'a b', reason }), refused('invalid_input'));
    const rule = await registry.protectAlias(tester, { model: 'late', pattern: 'prod*', reason });
    assert.equal(
      (await registry.protectAlias(tester, { model: 'late', pattern: 'prod*', reason })).id,
      rule.id,
    );
    tick();
    const gold = await registry.protectAlias(tester, { pattern: '*-gold', reason });
    await assert.rejects(move(job, 'prod-eu', 2, reason), isProtected('prod\\*'));
    await assert.rejects(move(job, 'prod-eu', null, reason), isProtected('prod\\*'));
    await assert.rejects(move(job, 'eu-gold', 2, reason), isProtected('\\*-gold'));
    await assert.rejects(registry.deleteVersion(job, 'late', 1), isProtected('prod\\*'));
    await assert.rejects(registry.deleteModel(job, 'late'), isProtected('prod\\*'));
    await move(job, 'prod-eu', 3 - 2, reason, 'other');
    await move(job, 'preprod', 2);
    await move(tester, 'prod-eu', 1);

    await registry.approve(tester, 'late', 2, { decision: 'approved', reason: 'looked at it' });
    await assert.rejects(
      move(job, 'prod-eu', 2),
      refused('alias_protected', /may not move it without a reason$/),
    );
    await move(job, 'prod-eu', 2, 'approved by the review');
    tick();
    await registry.approve(tester, 'late', 2, { decision: 'rejected', reason: 'no after all' });
    await assert.rejects(move(job, 'champion', 2, reason), isProtected('champion'));

    const rules = await registry.aliasProtections(tester, 'other');
    assert.deepEqual(
      rules.map(({ id, model, pattern, isBuiltIn }) => [id, model, pattern, isBuiltIn]),
      [
        ['champion', null, 'champion', true],
        [gold.id, null, '*-gold', false],
      ],
    );
    await registry.renameModel(tester, 'late', 'later');
    assert.deepEqual(
      (await registry.aliasProtections(tester)).map(({ model, pattern }) => [model, pattern]),
      [
        [null, 'champion'],
        ['later', 'prod*'],
        [null, '*-gold'],
      ],
    );
    await assert.rejects(registry.unprotectAlias(tester, 'champion', reason), refused('protection_built_in'));
    await assert.rejects(registry.unprotectAlias(job, rule.id, reason), refused('forbidden'));
    await registry.unprotectAlias(tester, rule.id, 'not needed');
    await assert.rejects(registry.unprotectAlias(tester, rule.id, reason), refused('protection_unknown'));
    await move(job, 'prod-eu', 1, reason, 'later');
    const { items } = await registry.history(tester, 'later', { what: 'protection', limit: 9 });
    assert.deepEqual(
      items.map(({ key, before, after, reason: why }) => [key, before, after, why]),
      [
        ['prod*', 'prod*', null, 'not needed'],
        ['prod*', null, 'prod*', 'test'],
      ],
    );
  });
});

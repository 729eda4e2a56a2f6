import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Actor } from '../../platform/access/index.ts';
import { forEachDatabase } from '../../platform/db/testing.ts';
import { Jobs } from '../../platform/jobs/index.ts';
import { EvaluationService, evaluationMigrations } from '../evaluation/index.ts';
import { openExperiments, tester } from '../experiments/testing.ts';
import { createRegistry, registryMigrations } from '../registry/index.ts';
import { GovernanceService } from './governance-service.ts';

const digest = `sha256:${'1'.repeat(64)}` as const;

forEachDatabase((dialect, open) => {
  const setup = async (t: TestContext) => {
    const opened = await openExperiments(t, (context, migrations) =>
      open(context, [...migrations, ...registryMigrations, ...evaluationMigrations]),
    );
    const { db, journal, clock, tracking: experiments, time } = opened;
    const registry = createRegistry({ db, journal, jobs: new Jobs(db, clock), clock, experiments });
    const evaluations = new EvaluationService({ db, journal, clock });
    const evidence = { dataset: async () => undefined, run: async () => undefined };
    const governance = new GovernanceService({ journal, registry, evaluations, evidence, clock });
    const write = async (actor: Actor, action: string, id: string, reason: string, after?: unknown) => {
      time.nowMs += 1000;
      const subject = { kind: action.startsWith('serving') ? 'endpoint' : 'turn', id };
      await db.write((tx) => journal.appendAudit(tx, { actor, action, subject, after, reason }));
    };
    return { ...opened, governance, registry, write };
  };

  test(`${dialect}: the audit trail by who, what, which, when and words, page by page`, async (t) => {
    const { governance, write, time } = await setup(t);
    const beganMs = time.nowMs;
    await write({ kind: 'user', id: 'anna' }, 'turn:approve', 'late/1', 'Looked at 100% of it');
    await write({ kind: 'system', id: 'anna' }, 'turn:canary', 'late/1', 'shadow passed');
    await write({ kind: 'user', id: 'ben' }, 'turn:reject', 'late/2', 'a_b');
    const reasons = async (query: object) =>
      (await governance.auditEntries(tester, { limit: 10, ...query })).map((entry) => entry.reason);
    assert.deepEqual(await reasons({}), ['a_b', 'shadow passed', 'Looked at 100% of it']);
    assert.deepEqual(await reasons({ actor: 'anna' }), ['shadow passed', 'Looked at 100% of it']);
    assert.deepEqual(await reasons({ actor: 'user:anna' }), ['Looked at 100% of it']);
    assert.deepEqual(await reasons({ action: 'turn:canary' }), ['shadow passed']);
    assert.deepEqual(await reasons({ subjectKind: 'turn', subjectId: 'late/2' }), ['a_b']);
    assert.deepEqual(await reasons({ text: 'looked AT' }), ['Looked at 100% of it']);
    assert.deepEqual(await reasons({ text: '0%' }), ['Looked at 100% of it']);
    assert.deepEqual(await reasons({ text: 'a_b' }), ['a_b'], 'the underscore is no wildcard');
    assert.deepEqual(await reasons({ text: 'turn:rej' }), ['a_b']);
    const from = new Date(beganMs + 2000).toISOString();
    assert.deepEqual(await reasons({ from }), ['a_b', 'shadow passed']);
    assert.deepEqual(await reasons({ to: from }), ['Looked at 100% of it']);
    const [newest] = await governance.auditEntries(tester, { limit: 1 });
    assert.deepEqual(await reasons({ afterId: newest?.id, limit: 1 }), ['shadow passed']);
    assert.equal(newest?.before, null);
    await assert.rejects(reasons({ from: 'yesterday' }), /from: "yesterday" is not a time/);
  });

  test(`${dialect}: a card of a registered version tells its traffic and its moves`, async (t) => {
    const { governance, registry, write, time } = await setup(t);
    await registry.createVersion(tester, { name: 'late', digest });
    const shares = { model: 'late', arms: { champion: { version: '1', weight: 1 } }, shadow: null };
    await write({ kind: 'system', id: 'loop' }, 'serving:deploy', 'late-endpoint', 'the first', shares);
    time.nowMs += 1000;
    await registry.promote(tester, 'late', { version: 1, reason: 'first model' });
    const card = await governance.modelCard(tester, 'late', '1');
    assert.deepEqual(
      card.history.map((entry) => [entry.what, entry.reason]),
      [
        ['endpoint late-endpoint: champion with 100 % of the traffic', 'the first'],
        ['promote: became champion', 'first model'],
      ],
    );
    assert.deepEqual(card.status.aliases, ['champion']);
    await assert.rejects(governance.modelCard(tester, 'late', '2'), { code: 'version_unknown' });
    // A version that was trained again on all rows has the gates of the one that was judged, while that is there.
    await registry.setVersionTag(tester, 'late', 1, { key: 'millrace.refitOf', value: '7' });
    assert.equal((await governance.modelCard(tester, 'late', '1')).status.refitOf, 7);
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forEachDatabase } from '../../../platform/db/testing.ts';
import { Journal, journalMigrations } from '../../../platform/journal/index.ts';
import { servingMigrations } from '../migrations.ts';
import { KeyRing } from './key-ring.ts';
import { KeyService } from './key-service.ts';
import { KeyStore } from './store.ts';

const ada = { kind: 'user', id: 'ada' } as const;
const job = { kind: 'job', id: 'j' } as const;
const hourMs = 3_600_000;

forEachDatabase((dialect, open) => {
  test(`${dialect}: keys open what they were made for, as long as they were made for`, async (t) => {
    const db = await open(t, [...journalMigrations, ...servingMigrations]);
    let nowMs = Date.UTC(2026, 0, 1);
    const clock = { nowMs: () => nowMs };
    let changes = 0;
    const journal = new Journal(db);
    const service = new KeyService({ db, journal, clock, changed: () => changes++ });
    const reason = 'test';
    const made = await service.create(ada, {
      name: 'billing',
      endpoints: ['churn'],
      expiresAt: '2026-01-01T01:00:00Z',
      reason,
    });
    assert.match(made.key, /^mrk_[\w-]{43}$/);
    nowMs += 1;
    const all = await service.create(ada, { name: 'all', endpoints: null, actions: ['inspect'], reason });
    assert.equal(changes, 2);
    await assert.rejects(service.create(job, { name: 'x', endpoints: null, reason }), { code: 'forbidden' });
    await assert.rejects(
      service.create(ada, { name: 'x', endpoints: null, expiresAt: '2025-01-01T00:00:00Z', reason }),
      {
        code: 'invalid_input',
      },
    );

    const store = new KeyStore(db);
    const ring = new KeyRing();
    const refresh = async () => ring.set(await store.active(nowMs));
    await refresh();
    assert.ok(!JSON.stringify(await store.active(nowMs)).includes(made.key), 'replicas get digests');
    ring.require(made.key, 'churn', 'predict', nowMs);
    ring.require(made.key, 'churn', 'inspect', nowMs);
    ring.require(all.key, 'prices', 'inspect', nowMs);
    assert.throws(() => ring.require(made.key, 'prices', 'predict', nowMs), { code: 'key_forbidden' });
    assert.throws(() => ring.require(all.key, 'churn', 'predict', nowMs), { code: 'key_forbidden' });
    assert.throws(() => ring.require(null, 'churn', 'predict', nowMs), { code: 'key_missing' });
    assert.throws(() => ring.require('mrk_guess', 'churn', 'predict', nowMs), { code: 'key_refused' });
    nowMs += hourMs;
    assert.throws(() => ring.require(made.key, 'churn', 'predict', nowMs), { code: 'key_refused' });
    assert.equal((await store.active(nowMs)).length, 1, 'an expired key is not sent any more');

    const revoked = await service.revoke(ada, all.id, 'leaked');
    assert.equal(revoked.revokedAt, '2026-01-01T01:00:00.001Z');
    assert.deepEqual(await service.revoke(ada, all.id, 'again'), revoked);
    await refresh();
    assert.throws(() => ring.require(all.key, 'churn', 'inspect', nowMs), { code: 'key_refused' });
    await assert.rejects(service.revoke(ada, 'nobody', 'x'), { code: 'not_found' });

    const listed = await service.list(ada, { limit: 10 });
    assert.deepEqual(
      listed.map((key) => key.name),
      ['all', 'billing'],
    );
    assert.ok(!JSON.stringify(listed).includes(made.key));
    const audit = await journal.auditEntries({ limit: 10 });
    assert.deepEqual(
      audit.map((entry) => entry.action),
      ['endpoint-key:revoke', 'endpoint-key:create', 'endpoint-key:create'],
    );
    assert.ok(!JSON.stringify(audit).includes(made.key));
  });
});

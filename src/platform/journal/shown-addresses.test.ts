import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { migrate } from '../db/index.ts';
import { forEachDatabase } from '../db/testing.ts';
import { Journal, journalMigrations } from './index.ts';

forEachDatabase((dialect, open) => {
  test(`addresses of webhooks in entries of before are left out of them, on ${dialect}`, async (t) => {
    const db = await open(
      t,
      journalMigrations.filter(({ id }) => id !== 'journal-003'),
    );
    const url = 'https://hooks.example/T0AAAA/B0BBBB/cccccccc9fXq';
    const shown = 'https://hooks.example/***9fXq';
    const facts = [
      ['a', 'registry:webhook-updated', { name: 'old', url }],
      ['b', 'monitoring:configure', { window: 'day', alerts: [{ webhook: url, signed: true }] }],
      ['c', 'something:else', { url }],
    ] as const;
    for (const [id, action, after] of facts) {
      await db.write((tx) =>
        sql`INSERT INTO audit_entries (id, at_ms, actor_kind, actor_id, action, subject_kind, subject_id, before_json,
          after_json, reason) VALUES (${id}, 1, 'user', 'ada', ${action}, 'any', 'x', ${id === 'a' ? JSON.stringify(after) : null},
          ${JSON.stringify(after)}, 'none')`.execute(tx),
      );
    }
    await migrate(db, journalMigrations);
    const entries = await new Journal(db).auditEntries({ limit: 10 });
    assert.deepEqual(
      [...entries].sort((a, b) => (a.id < b.id ? -1 : 1)).map(({ before, after }) => [before ?? null, after]),
      [
        [
          { name: 'old', url: shown },
          { name: 'old', url: shown },
        ],
        [null, { window: 'day', alerts: [{ webhook: shown, signed: true }] }],
        [null, { url }],
      ],
    );
  });
});

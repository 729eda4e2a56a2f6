import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'kysely';
import { everyText, migrate } from '../db/index.ts';
import { forEachDatabase } from '../db/testing.ts';
import { Jobs, jobsMigrations } from './index.ts';

forEachDatabase((dialect, open) => {
  test(`deliveries of alerts that failed before name no whole address, on ${dialect}`, async (t) => {
    const db = await open(
      t,
      jobsMigrations.filter(({ id }) => id !== 'jobs-004'),
    );
    const message = 'webhook https://hooks.example/T0AAAA/B0BBBB/cccccccc9fXq: answered 503';
    const jobs = new Jobs(db);
    await db.write((tx) =>
      jobs.enqueue(tx, { kind: 'alert-delivery', payload: { subject: 'alert/a', inputs: {} } }),
    );
    const [job] = await jobs.list({ kind: 'alert-delivery', limit: 1 });
    await db.write(async (tx) => {
      const error = JSON.stringify({ code: 'step_failed', message });
      await sql`UPDATE jobs SET error = ${error}`.execute(tx);
      await sql`INSERT INTO job_logs (job_id, attempt, at_ms, stream, line)
        VALUES (${job?.id}, 1, 1, 'system', ${`${message} (tried again in 1 s)`})`.execute(tx);
    });
    await migrate(db, jobsMigrations);
    const shown = 'webhook https://hooks.example/***9fXq: answered 503';
    const [after] = await jobs.list({ kind: 'alert-delivery', limit: 1 });
    assert.deepEqual([after?.id, after?.error?.message], [job?.id, shown]);
    const texts = await Array.fromAsync(everyText(db), ({ text }) => text);
    assert.ok(texts.includes(`${shown} (tried again in 1 s)`));
    assert.doesNotMatch(texts.join('\n'), /cccccccc/);
  });
});

import { sql } from 'kysely';
import { withShownAddresses } from '../../core/shown-address.ts';
import { autoIncrement, execute, type Migration } from '../db/index.ts';

export const jobsMigrations: readonly Migration[] = [
  {
    id: 'jobs-001',
    up: (tx, dialect) =>
      execute(
        tx,
        `CREATE TABLE jobs (
          id TEXT PRIMARY KEY,
          kind TEXT NOT NULL,
          unique_key TEXT UNIQUE,
          payload TEXT NOT NULL,
          status TEXT NOT NULL,
          attempt BIGINT NOT NULL,
          failures BIGINT NOT NULL,
          max_failures BIGINT NOT NULL,
          timeout_ms BIGINT NOT NULL,
          available_at_ms BIGINT NOT NULL,
          lease_owner TEXT,
          lease_until_ms BIGINT,
          token_digest TEXT,
          cancel_reason TEXT,
          result TEXT,
          error TEXT,
          created_at_ms BIGINT NOT NULL,
          started_at_ms BIGINT,
          finished_at_ms BIGINT
        );
        CREATE INDEX jobs_waiting ON jobs (status, available_at_ms);
        CREATE INDEX jobs_by_token ON jobs (token_digest);
        CREATE TABLE job_logs (
          seq ${autoIncrement(dialect)},
          job_id TEXT NOT NULL,
          attempt BIGINT NOT NULL,
          at_ms BIGINT NOT NULL,
          stream TEXT NOT NULL,
          line TEXT NOT NULL
        );
        CREATE INDEX job_logs_by_job ON job_logs (job_id, seq);
        CREATE TABLE schedules (
          name TEXT PRIMARY KEY,
          cron TEXT NOT NULL,
          timezone TEXT NOT NULL,
          stream TEXT,
          kind TEXT NOT NULL,
          payload TEXT NOT NULL,
          next_at_ms BIGINT NOT NULL
        )`,
      ),
  },
  {
    id: 'jobs-002',
    // Nothing was ever written to it.
    up: (tx) => execute(tx, 'DROP TABLE schedules'),
  },
  {
    id: 'jobs-003',
    up: (tx) => execute(tx, 'ALTER TABLE jobs ADD COLUMN lost_before BIGINT NOT NULL DEFAULT 0'),
  },
  {
    // Deliveries of alerts that failed named the whole address of the webhook, which may carry a token.
    id: 'jobs-004',
    async up(tx) {
      const jobs = await sql<{ id: string; error: string }>`
        SELECT id, error FROM jobs WHERE kind = 'alert-delivery' AND error IS NOT NULL`.execute(tx);
      for (const { id, error } of jobs.rows)
        await sql`UPDATE jobs SET error = ${withShownAddresses(error)} WHERE id = ${id}`.execute(tx);
      const logs = await sql<{ seq: number; line: string }>`
        SELECT seq, line FROM job_logs WHERE line LIKE '%http%'
        AND job_id IN (SELECT id FROM jobs WHERE kind = 'alert-delivery')`.execute(tx);
      for (const { seq, line } of logs.rows)
        await sql`UPDATE job_logs SET line = ${withShownAddresses(line)} WHERE seq = ${seq}`.execute(tx);
    },
  },
];

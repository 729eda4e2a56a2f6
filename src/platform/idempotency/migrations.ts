import { execute, type Migration } from '../db/index.ts';

export const idempotencyMigrations: readonly Migration[] = [
  {
    id: 'idempotency-001',
    up: (tx) =>
      execute(
        tx,
        `CREATE TABLE kept_answers (
          actor TEXT NOT NULL,
          key TEXT NOT NULL,
          request_digest TEXT NOT NULL,
          created_at_ms BIGINT NOT NULL,
          status INTEGER,
          body TEXT,
          PRIMARY KEY (actor, key)
        );
        CREATE INDEX kept_answers_by_time ON kept_answers (created_at_ms)`,
      ),
  },
];

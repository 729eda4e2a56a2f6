import { execute, type Migration } from '../../../platform/db/index.ts';

/** Tables of batch predictions and of the keys of endpoints. */
export const operationsMigrations: readonly Migration[] = [
  {
    id: 'serving-batch-001',
    up: (tx) =>
      execute(
        tx,
        `CREATE TABLE batch_parts (
          batch_id TEXT NOT NULL,
          part BIGINT NOT NULL,
          digest TEXT NOT NULL,
          row_count BIGINT NOT NULL,
          failed_rows BIGINT NOT NULL,
          total_rows BIGINT NOT NULL,
          log_json TEXT,
          created_at_ms BIGINT NOT NULL,
          PRIMARY KEY (batch_id, part)
        )`,
      ),
  },
  {
    id: 'serving-keys-001',
    up: (tx) =>
      execute(
        tx,
        `CREATE TABLE endpoint_keys (
          id TEXT PRIMARY KEY,
          name TEXT NOT NULL,
          digest TEXT NOT NULL UNIQUE,
          hint TEXT NOT NULL,
          scope_json TEXT NOT NULL,
          expires_at_ms BIGINT,
          revoked_at_ms BIGINT,
          created_by TEXT NOT NULL,
          created_at_ms BIGINT NOT NULL
        )`,
      ),
  },
  {
    id: 'serving-batch-002',
    up: (tx) =>
      execute(
        tx,
        `CREATE TABLE batch_staged (
          batch_id TEXT PRIMARY KEY,
          digest TEXT NOT NULL,
          decimal_mark TEXT NOT NULL
        );
        CREATE INDEX batch_staged_by_digest ON batch_staged (digest)`,
      ),
  },
];

import { execute, type Migration } from '../../platform/db/index.ts';

/** The tables of governance. */
export const governanceMigrations: readonly Migration[] = [
  {
    // Whose data goes is kept sealed, and only until it is gone.
    id: 'governance-001',
    up: (tx) =>
      execute(
        tx,
        `CREATE TABLE erasures (
          id TEXT PRIMARY KEY,
          sealed_entity TEXT,
          endpoint TEXT,
          reason TEXT NOT NULL,
          actor_kind TEXT NOT NULL,
          actor_id TEXT NOT NULL,
          status TEXT NOT NULL,
          attempts INTEGER NOT NULL,
          problem TEXT,
          result_json TEXT NOT NULL,
          requested_at_ms BIGINT NOT NULL,
          next_attempt_at_ms BIGINT,
          ended_at_ms BIGINT
        );
        CREATE INDEX erasures_under_way ON erasures (id) WHERE ended_at_ms IS NULL`,
      ),
  },
];

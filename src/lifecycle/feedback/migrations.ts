import { execute, type Migration } from '../../platform/db/index.ts';

export const feedbackMigrations: readonly Migration[] = [
  {
    id: 'feedback-001',
    up: (tx) =>
      execute(
        tx,
        `CREATE TABLE prediction_segments (
          id TEXT PRIMARY KEY,
          replica_id TEXT,
          endpoint TEXT NOT NULL,
          digest TEXT NOT NULL,
          row_count BIGINT NOT NULL,
          min_event_time_ms BIGINT NOT NULL,
          max_event_time_ms BIGINT NOT NULL,
          registered_at_ms BIGINT NOT NULL
        );
        CREATE INDEX prediction_segments_by_time ON prediction_segments (endpoint, max_event_time_ms);
        CREATE TABLE label_segments (
          id TEXT PRIMARY KEY,
          endpoint TEXT NOT NULL,
          digest TEXT NOT NULL,
          row_count BIGINT NOT NULL,
          min_event_time_ms BIGINT NOT NULL,
          max_event_time_ms BIGINT NOT NULL,
          registered_at_ms BIGINT NOT NULL
        );
        CREATE INDEX label_segments_by_endpoint ON label_segments (endpoint)`,
      ),
  },
];

import { execute, type Migration } from '../../platform/db/index.ts';

export const dataMigrations: readonly Migration[] = [
  {
    id: 'data-001',
    up: (tx) =>
      execute(
        tx,
        `CREATE TABLE dataset_versions (
          id TEXT PRIMARY KEY,
          dataset TEXT NOT NULL,
          version BIGINT NOT NULL,
          content_key TEXT NOT NULL,
          digest TEXT NOT NULL,
          size_bytes BIGINT NOT NULL,
          source_digest TEXT NOT NULL,
          source TEXT NOT NULL,
          format TEXT NOT NULL,
          row_count BIGINT NOT NULL,
          columns_json TEXT NOT NULL,
          time_column TEXT,
          entity_column TEXT,
          label_column TEXT,
          min_time_ms BIGINT,
          max_time_ms BIGINT,
          profile_json TEXT NOT NULL,
          contract_json TEXT NOT NULL,
          sample_json TEXT NOT NULL,
          registered_at_ms BIGINT NOT NULL,
          registered_by TEXT NOT NULL,
          UNIQUE (dataset, version),
          UNIQUE (dataset, content_key)
        )`,
      ),
  },
];

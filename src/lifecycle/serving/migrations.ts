import { execute, type Migration } from '../../platform/db/index.ts';
import { operationsMigrations } from './migrations/operations.ts';

export const servingMigrations: readonly Migration[] = [
  {
    id: 'serving-001',
    up: (tx) =>
      execute(
        tx,
        `CREATE TABLE endpoints (
          name TEXT PRIMARY KEY,
          model TEXT NOT NULL,
          entity_feature TEXT,
          event_time_feature TEXT,
          route_version BIGINT NOT NULL,
          salt TEXT NOT NULL,
          arms_json TEXT NOT NULL,
          shadow_json TEXT,
          created_at_ms BIGINT NOT NULL,
          updated_at_ms BIGINT NOT NULL
        );
        CREATE TABLE route_versions (
          version BIGINT PRIMARY KEY,
          endpoint TEXT NOT NULL,
          action TEXT NOT NULL,
          actor TEXT NOT NULL,
          reason TEXT NOT NULL,
          salt TEXT NOT NULL,
          arms_json TEXT NOT NULL,
          shadow_json TEXT,
          created_at_ms BIGINT NOT NULL
        );
        CREATE INDEX route_versions_by_endpoint ON route_versions (endpoint, version);
        CREATE TABLE replicas (
          id TEXT PRIMARY KEY,
          status_json TEXT,
          connected_at_ms BIGINT,
          seen_at_ms BIGINT
        )`,
      ),
  },
  {
    id: 'serving-002',
    up: (tx) => execute(tx, "ALTER TABLE endpoints ADD COLUMN options_json TEXT NOT NULL DEFAULT '{}'"),
  },
  {
    id: 'serving-011',
    up: (tx) => execute(tx, 'ALTER TABLE endpoints ADD COLUMN override_key TEXT'),
  },
  {
    id: 'serving-012',
    up: (tx) => execute(tx, 'ALTER TABLE endpoints ADD COLUMN retired_at_ms BIGINT'),
  },
  {
    id: 'serving-013',
    up: (tx) =>
      execute(
        tx,
        `CREATE TABLE remote_secrets (
          digest TEXT PRIMARY KEY,
          sealed TEXT NOT NULL,
          created_at_ms BIGINT NOT NULL
        )`,
      ),
  },
  ...operationsMigrations,
];

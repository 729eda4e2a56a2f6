import { autoIncrement, execute, type Migration } from '../../platform/db/index.ts';

/**
 * Everything hangs on the registered model's own id, so that renaming touches one row. `model_alias_moves` is
 * the history of all aliases; `model_aliases` is where they stand.
 */
export const registryMigrations: readonly Migration[] = [
  {
    id: 'registry-001',
    up: (tx, dialect) => {
      const bytes = dialect === 'postgres' ? 'TEXT COLLATE "C"' : 'TEXT';
      return execute(
        tx,
        `CREATE TABLE registered_models (
          id ${autoIncrement(dialect)},
          name ${bytes} NOT NULL UNIQUE,
          description TEXT NOT NULL,
          is_prompt INTEGER NOT NULL,
          last_version BIGINT NOT NULL,
          previous_champion BIGINT,
          created_at_ms BIGINT NOT NULL,
          updated_at_ms BIGINT NOT NULL
        );
        CREATE TABLE registered_model_tags (
          registered_id BIGINT NOT NULL, key ${bytes} NOT NULL, value ${bytes} NOT NULL,
          PRIMARY KEY (registered_id, key)
        );
        CREATE TABLE model_versions (
          registered_id BIGINT NOT NULL,
          version BIGINT NOT NULL,
          status TEXT NOT NULL,
          status_message TEXT,
          stage TEXT NOT NULL,
          deleted INTEGER NOT NULL,
          description TEXT NOT NULL,
          source ${bytes} NOT NULL,
          storage_location TEXT NOT NULL,
          run_id ${bytes},
          run_link TEXT,
          model_id ${bytes},
          digest TEXT,
          dataset_version_id TEXT,
          dataset_digest TEXT,
          signature TEXT,
          evaluation_id TEXT,
          created_by TEXT NOT NULL,
          created_at_ms BIGINT NOT NULL,
          updated_at_ms BIGINT NOT NULL,
          PRIMARY KEY (registered_id, version)
        );
        CREATE INDEX model_versions_by_run ON model_versions (run_id);
        CREATE INDEX model_versions_by_model ON model_versions (model_id);
        CREATE INDEX model_versions_by_digest ON model_versions (digest);
        CREATE TABLE model_version_tags (
          registered_id BIGINT NOT NULL, version BIGINT NOT NULL, key ${bytes} NOT NULL, value ${bytes} NOT NULL,
          PRIMARY KEY (registered_id, version, key)
        );
        CREATE TABLE model_aliases (
          registered_id BIGINT NOT NULL, alias ${bytes} NOT NULL, version BIGINT NOT NULL,
          PRIMARY KEY (registered_id, alias)
        );
        CREATE TABLE model_alias_moves (
          id TEXT PRIMARY KEY,
          registered_id BIGINT NOT NULL,
          alias ${bytes} NOT NULL,
          version BIGINT,
          previous_version BIGINT,
          action TEXT NOT NULL,
          moved_by TEXT NOT NULL,
          reason TEXT NOT NULL,
          moved_at_ms BIGINT NOT NULL
        );
        CREATE INDEX model_alias_moves_by_model ON model_alias_moves (registered_id, id);
        CREATE TABLE model_gate_results (
          registered_id BIGINT NOT NULL,
          version BIGINT NOT NULL,
          evaluation_id TEXT NOT NULL,
          position BIGINT NOT NULL,
          result TEXT NOT NULL,
          recorded_at_ms BIGINT NOT NULL,
          PRIMARY KEY (registered_id, version, evaluation_id, position)
        );
        CREATE TABLE model_approvals (
          id TEXT PRIMARY KEY,
          registered_id BIGINT NOT NULL,
          version BIGINT NOT NULL,
          decision TEXT NOT NULL,
          decided_by TEXT NOT NULL,
          reason TEXT NOT NULL,
          decided_at_ms BIGINT NOT NULL
        );
        CREATE INDEX model_approvals_by_version ON model_approvals (registered_id, version, id)`,
      );
    },
  },
];

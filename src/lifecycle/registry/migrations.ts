import { sql } from 'kysely';
import { shownAddress, withShownAddresses } from '../../core/shown-address.ts';
import { autoIncrement, execute, type Migration } from '../../platform/db/index.ts';

/**
 * Everything hangs on the registered model's own id, so that renaming touches one row. `model_alias_moves` is
 * the history of all aliases; `model_aliases` is where they stand. `model_changes` is the history of everything else.
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
  {
    id: 'registry-010',
    up: (tx, dialect) => {
      const bytes = dialect === 'postgres' ? 'TEXT COLLATE "C"' : 'TEXT';
      return execute(
        tx,
        `CREATE TABLE webhooks (
          id TEXT PRIMARY KEY,
          name TEXT NOT NULL,
          description TEXT NOT NULL,
          url TEXT NOT NULL,
          status TEXT NOT NULL,
          sealed_secret TEXT,
          created_at_ms BIGINT NOT NULL,
          updated_at_ms BIGINT NOT NULL
        );
        CREATE INDEX webhooks_by_time ON webhooks (created_at_ms, id);
        CREATE TABLE webhook_events (
          webhook_id TEXT NOT NULL, event ${bytes} NOT NULL,
          PRIMARY KEY (webhook_id, event)
        );
        CREATE INDEX webhook_events_by_event ON webhook_events (event, webhook_id);
        CREATE TABLE webhook_deliveries (
          id TEXT PRIMARY KEY,
          webhook_id TEXT NOT NULL,
          webhook_name TEXT NOT NULL,
          url TEXT NOT NULL,
          event ${bytes} NOT NULL,
          body TEXT NOT NULL,
          status TEXT NOT NULL,
          attempts BIGINT NOT NULL,
          response_status BIGINT,
          response_body TEXT,
          error TEXT,
          next_attempt_at_ms BIGINT,
          created_at_ms BIGINT NOT NULL,
          updated_at_ms BIGINT NOT NULL
        );
        CREATE INDEX webhook_deliveries_by_webhook ON webhook_deliveries (webhook_id, status, id);
        CREATE INDEX webhook_deliveries_by_status ON webhook_deliveries (status, updated_at_ms)`,
      );
    },
  },
  {
    id: 'registry-011',
    up: (tx, dialect) => {
      const bytes = dialect === 'postgres' ? 'TEXT COLLATE "C"' : 'TEXT';
      return execute(
        tx,
        `CREATE TABLE model_changes (
          id ${bytes} PRIMARY KEY,
          registered_id BIGINT NOT NULL,
          version BIGINT,
          what TEXT NOT NULL,
          key ${bytes},
          before_text TEXT,
          after_text TEXT,
          changed_by TEXT NOT NULL,
          reason TEXT NOT NULL,
          changed_at_ms BIGINT NOT NULL
        );
        CREATE INDEX model_changes_by_model ON model_changes (registered_id, id);
        CREATE TABLE model_alias_protections (
          id TEXT PRIMARY KEY,
          registered_id BIGINT,
          pattern ${bytes} NOT NULL,
          protected_by TEXT NOT NULL,
          reason TEXT NOT NULL,
          created_at_ms BIGINT NOT NULL
        );
        CREATE INDEX model_alias_protections_by_model ON model_alias_protections (registered_id);
        CREATE INDEX model_versions_by_dataset ON model_versions (dataset_digest)`,
      );
    },
  },
  {
    id: 'registry-012',
    up: (tx) => execute(tx, 'ALTER TABLE model_versions ADD COLUMN undescribed BIGINT NOT NULL DEFAULT 0'),
  },
  {
    // Addresses of webhooks are kept sealed. Those that are there are sealed at the start, which knows the key.
    id: 'registry-013',
    async up(tx) {
      await execute(tx, "ALTER TABLE webhooks ADD COLUMN sealed_url TEXT NOT NULL DEFAULT ''");
      const { rows } = await sql<{ url: string }>`SELECT DISTINCT url FROM webhook_deliveries`.execute(tx);
      for (const { url } of rows)
        await sql`UPDATE webhook_deliveries SET url = ${shownAddress(url)} WHERE url = ${url}`.execute(tx);
    },
  },
  {
    // Refusals named the whole address.
    id: 'registry-014',
    async up(tx) {
      const { rows } = await sql<{ id: string; error: string }>`
        SELECT id, error FROM webhook_deliveries WHERE error LIKE '%http%'`.execute(tx);
      for (const { id, error } of rows)
        await sql`UPDATE webhook_deliveries SET error = ${withShownAddresses(error)} WHERE id = ${id}`.execute(
          tx,
        );
    },
  },
];

import { sql } from 'kysely';
import { shownAddress, withShownAddresses } from '../../core/shown-address.ts';
import { execute, type Migration } from '../../platform/db/index.ts';
import { keptTarget } from './alerts/targets.ts';

export const monitoringMigrations: readonly Migration[] = [
  {
    id: 'monitoring-001',
    up: (tx) =>
      execute(
        tx,
        `CREATE TABLE monitors (
          endpoint TEXT PRIMARY KEY,
          spec_json TEXT NOT NULL,
          open_window_start_ms BIGINT,
          seen_label_segment TEXT NOT NULL,
          seen_predictions_ms BIGINT NOT NULL,
          updated_at_ms BIGINT NOT NULL
        );
        CREATE TABLE monitor_references (
          endpoint TEXT NOT NULL,
          model_version TEXT NOT NULL,
          dataset_version_id TEXT NOT NULL,
          evaluation_id TEXT,
          scores_digest TEXT,
          metrics_json TEXT NOT NULL,
          base_rate DOUBLE PRECISION,
          added_at_ms BIGINT NOT NULL,
          PRIMARY KEY (endpoint, model_version)
        );
        CREATE TABLE monitor_windows (
          id TEXT PRIMARY KEY,
          endpoint TEXT NOT NULL,
          model_version TEXT NOT NULL,
          size TEXT NOT NULL,
          start_ms BIGINT NOT NULL,
          end_ms BIGINT NOT NULL,
          state TEXT NOT NULL,
          revision BIGINT NOT NULL,
          fingerprint TEXT NOT NULL,
          champion_rows BIGINT NOT NULL,
          causes_json TEXT NOT NULL,
          window_json TEXT NOT NULL,
          drift_json TEXT NOT NULL,
          computed_at_ms BIGINT NOT NULL,
          UNIQUE (endpoint, size, start_ms, model_version)
        );
        CREATE INDEX monitor_windows_by_version ON monitor_windows (endpoint, model_version, start_ms);
        CREATE TABLE alerts (
          id TEXT PRIMARY KEY,
          endpoint TEXT NOT NULL,
          model_version TEXT NOT NULL,
          kind TEXT NOT NULL,
          subject TEXT NOT NULL,
          severity TEXT NOT NULL,
          state TEXT NOT NULL,
          reason TEXT NOT NULL,
          evidence_json TEXT NOT NULL,
          opened_at_ms BIGINT NOT NULL,
          resolved_at_ms BIGINT,
          resolution TEXT,
          acknowledged_by TEXT,
          acknowledged_reason TEXT,
          created_at_ms BIGINT NOT NULL,
          updated_at_ms BIGINT NOT NULL
        );
        CREATE INDEX alerts_by_endpoint ON alerts (endpoint, state, id);
        CREATE TABLE alert_deliveries (
          id TEXT PRIMARY KEY,
          alert_id TEXT NOT NULL,
          event TEXT NOT NULL,
          url TEXT NOT NULL,
          secret TEXT,
          body TEXT NOT NULL,
          state TEXT NOT NULL,
          attempts BIGINT NOT NULL,
          http_status BIGINT,
          error TEXT,
          updated_at_ms BIGINT NOT NULL
        );
        CREATE INDEX alert_deliveries_by_alert ON alert_deliveries (alert_id)`,
      ),
  },
  {
    // Who is told of alerts is kept sealed. What is there is sealed at the start, which knows the key.
    id: 'monitoring-002',
    async up(tx) {
      const asItStands = (json: string) => json;
      const monitors = await sql<{
        endpoint: string;
        spec_json: string;
      }>`SELECT endpoint, spec_json FROM monitors`.execute(tx);
      for (const { endpoint, spec_json } of monitors.rows) {
        const spec = JSON.parse(spec_json) as { alerts: { webhook: string; secret?: string }[] };
        const alerts = spec.alerts.map((target) => keptTarget(target, asItStands));
        const specJson = JSON.stringify({ ...spec, alerts });
        await sql`UPDATE monitors SET spec_json = ${specJson} WHERE endpoint = ${endpoint}`.execute(tx);
      }
      await execute(
        tx,
        `ALTER TABLE alert_deliveries ADD COLUMN is_signed BIGINT NOT NULL DEFAULT 0;
        ALTER TABLE alert_deliveries ADD COLUMN sealed_target TEXT NOT NULL DEFAULT ''`,
      );
      const deliveries = await sql<{
        url: string;
        secret: string | null;
      }>`SELECT DISTINCT url, secret FROM alert_deliveries`.execute(tx);
      for (const { url, secret } of deliveries.rows) {
        const { sealed } = keptTarget({ webhook: url, secret: secret ?? undefined }, asItStands);
        await sql`UPDATE alert_deliveries SET is_signed = ${secret === null ? 0 : 1}, sealed_target = ${sealed},
          url = ${shownAddress(url)} WHERE url = ${url} AND coalesce(secret, '') = ${secret ?? ''}`.execute(
          tx,
        );
      }
      await execute(tx, 'ALTER TABLE alert_deliveries DROP COLUMN secret');
    },
  },
  {
    // Refusals named the whole address.
    id: 'monitoring-003',
    async up(tx) {
      const { rows } = await sql<{ id: string; error: string }>`
        SELECT id, error FROM alert_deliveries WHERE error LIKE '%http%'`.execute(tx);
      for (const { id, error } of rows)
        await sql`UPDATE alert_deliveries SET error = ${withShownAddresses(error)} WHERE id = ${id}`.execute(
          tx,
        );
    },
  },
];

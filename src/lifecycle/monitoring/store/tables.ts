import type { Digest } from '../../../core/json.ts';
import type { Alert, AlertDelivery } from '../contract.ts';

export interface MonitorRow {
  readonly endpoint: string;
  readonly spec_json: string;
  readonly open_window_start_ms: number | null;
  /** Label segments up to this id have been taken into account. */
  readonly seen_label_segment: string;
  /** Prediction segments registered before this wall clock time have been taken into account. */
  readonly seen_predictions_ms: number;
  readonly updated_at_ms: number;
}

export interface ReferenceRow {
  readonly endpoint: string;
  readonly model_version: string;
  readonly dataset_version_id: string;
  readonly evaluation_id: string | null;
  readonly scores_digest: Digest | null;
  readonly metrics_json: string;
  readonly base_rate: number | null;
  readonly added_at_ms: number;
}

export interface WindowRow {
  readonly id: string;
  readonly endpoint: string;
  readonly model_version: string;
  readonly size: string;
  readonly start_ms: number;
  readonly end_ms: number;
  readonly state: string;
  readonly revision: number;
  /** Rows and labels that the numbers rest on. */
  readonly fingerprint: string;
  readonly champion_rows: number;
  readonly causes_json: string;
  readonly window_json: string;
  readonly drift_json: string;
  readonly computed_at_ms: number;
}

export interface AlertRow {
  readonly id: string;
  readonly endpoint: string;
  readonly model_version: string;
  readonly kind: Alert['kind'];
  readonly subject: string;
  readonly severity: Alert['severity'];
  readonly state: Alert['state'];
  readonly reason: string;
  readonly evidence_json: string;
  readonly opened_at_ms: number;
  readonly resolved_at_ms: number | null;
  readonly resolution: string | null;
  readonly acknowledged_by: string | null;
  readonly acknowledged_reason: string | null;
  readonly created_at_ms: number;
  readonly updated_at_ms: number;
}

export interface DeliveryRow {
  readonly id: string;
  readonly alert_id: string;
  readonly event: AlertDelivery['event'];
  /** As it is shown. */
  readonly url: string;
  readonly is_signed: number;
  /** The sealed target: see alerts/targets.ts. */
  readonly sealed_target: string;
  readonly body: string;
  readonly state: AlertDelivery['state'];
  readonly attempts: number;
  readonly http_status: number | null;
  readonly error: string | null;
  readonly updated_at_ms: number;
}

export interface MonitoringTables {
  monitors: MonitorRow;
  monitor_references: ReferenceRow;
  monitor_windows: WindowRow;
  alerts: AlertRow;
  alert_deliveries: DeliveryRow;
}

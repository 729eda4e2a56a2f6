import { formatTime } from '../../core/time.ts';
import {
  type Alert,
  type AlertDelivery,
  type AlertEvidence,
  alertEvidenceSchema,
  type Monitor,
  type MonitorReference,
  type MonitorWindow,
  type MonitorWindowSummary,
  monitorReferenceSchema,
  monitorWindowSchema,
} from './contract.ts';
import { type KeptSpec, specOf } from './store/monitors.ts';
import type { AlertRow, DeliveryRow, MonitorRow, ReferenceRow, WindowRow } from './store/tables.ts';

const timeOrNull = (ms: number | null) => (ms === null ? null : formatTime(ms));

export function toReference(row: ReferenceRow): MonitorReference {
  return {
    modelVersion: row.model_version,
    datasetVersionId: row.dataset_version_id,
    evaluationId: row.evaluation_id,
    scoresDigest: row.scores_digest,
    metrics: monitorReferenceSchema.shape.metrics.parse(JSON.parse(row.metrics_json)),
    baseRate: row.base_rate,
  };
}

/** Leaves out what is sealed of the webhooks. */
export function toMonitor(
  row: MonitorRow,
  references: readonly ReferenceRow[],
  watermark: string | null,
): Monitor {
  const spec = specOf(row);
  return {
    endpoint: row.endpoint,
    spec: shownSpec(spec),
    references: references.map(toReference),
    watermark,
    openWindowStart: timeOrNull(row.open_window_start_ms),
    updatedAt: formatTime(row.updated_at_ms),
  };
}

/** As it may be shown, and as the audit trail keeps it. */
export function shownSpec(spec: KeptSpec): Monitor['spec'] {
  return { ...spec, alerts: spec.alerts.map(({ webhook, signed }) => ({ webhook, signed })) };
}

export function toWindow(row: WindowRow): MonitorWindow {
  return { ...keptWindow(row), drift: keptDrift(row) };
}

/** What is known of a window but its drift, as it was kept. */
export function keptWindow({ window_json }: Pick<WindowRow, 'window_json'>): Omit<MonitorWindow, 'drift'> {
  return monitorWindowSchema.omit({ drift: true }).parse(JSON.parse(window_json));
}

/** The drift of a window's columns, as it was kept. */
export function keptDrift({ drift_json }: Pick<WindowRow, 'drift_json'>): MonitorWindow['drift'] {
  return monitorWindowSchema.shape.drift.parse(JSON.parse(drift_json));
}

export function toWindowSummary(row: Pick<WindowRow, 'window_json'>): MonitorWindowSummary {
  const { reference: _, performance, ...summary } = keptWindow(row);
  const { calibration: __, ...rest } = performance;
  return { ...summary, performance: rest };
}

export function readEvidence({ evidence_json }: Pick<AlertRow, 'evidence_json'>): AlertEvidence[] {
  return alertEvidenceSchema.array().parse(JSON.parse(evidence_json));
}

/** @param deliveries of this alert, among others perhaps */
export function toAlert(row: AlertRow, deliveries: readonly DeliveryRow[]): Alert {
  return {
    id: row.id,
    endpoint: row.endpoint,
    modelVersion: row.model_version,
    kind: row.kind,
    subject: row.subject,
    severity: row.severity,
    state: row.state,
    reason: row.reason,
    evidence: readEvidence(row),
    openedAt: formatTime(row.opened_at_ms),
    resolvedAt: timeOrNull(row.resolved_at_ms),
    resolution: row.resolution,
    acknowledgedBy: row.acknowledged_by,
    acknowledgedReason: row.acknowledged_reason,
    deliveries: deliveries.filter((delivery) => delivery.alert_id === row.id).map(toDelivery),
    createdAt: formatTime(row.created_at_ms),
    updatedAt: formatTime(row.updated_at_ms),
  };
}

function toDelivery(row: DeliveryRow): AlertDelivery {
  return {
    id: row.id,
    event: row.event,
    url: row.url,
    signed: row.is_signed === 1,
    state: row.state,
    attempts: row.attempts,
    httpStatus: row.http_status,
    error: row.error,
    updatedAt: formatTime(row.updated_at_ms),
  };
}

import { z } from 'zod';
import { formatTime } from '../../core/time.ts';
import type { StoredEvent } from '../../platform/journal/index.ts';
import type { CardMonitoring } from './contract.ts';

/** Events about an endpoint that tell how its models fare. */
export const monitoringEventTypes = ['window.closed', 'window.matured', 'alert.opened', 'alert.resolved'];

const windowSchema = z.object({
  windowId: z.string(),
  modelVersion: z.string(),
  startMs: z.number(),
  endMs: z.number(),
  rows: z.number().int(),
  labelled: z.number().int(),
  driftedColumns: z.array(z.string()),
  scoreDrifted: z.boolean(),
  performanceVerdict: z.string(),
});

const alertSchema = z.object({
  alertId: z.string(),
  modelVersion: z.string(),
  kind: z.string(),
  subject: z.string(),
  severity: z.string(),
  reason: z.string(),
});

/**
 * What the events of an endpoint, oldest first, tell of one version: how many windows were closed, the newest of them
 * as it was last seen, and each alert with when it opened and ended. Undefined when they tell nothing of it.
 */
export function monitoringHistory(
  events: readonly StoredEvent[],
  endpoint: string,
  version: number,
): CardMonitoring | undefined {
  const windows = new Map<string, z.output<typeof windowSchema>>();
  const alerts = new Map<string, CardMonitoring['alerts'][number]>();
  for (const { type, data, eventTimeMs } of events) {
    const at = eventTimeMs === undefined ? null : formatTime(eventTimeMs);
    const window = windowSchema.safeParse(data).data;
    const alert = alertSchema.safeParse(data).data;
    if (window?.modelVersion === String(version)) windows.set(window.windowId, window);
    if (alert?.modelVersion !== String(version)) continue;
    const { kind, subject, severity, reason } = alert;
    const known = alerts.get(alert.alertId);
    const opened = { kind, subject, severity, reason, openedAt: at, resolvedAt: null, open: true };
    if (type === 'alert.opened') alerts.set(alert.alertId, opened);
    else if (known) alerts.set(alert.alertId, { ...known, resolvedAt: at, open: false });
  }
  if (windows.size === 0 && alerts.size === 0) return undefined;
  const last = [...windows.values()].sort((a, b) => a.endMs - b.endMs).at(-1);
  return {
    endpoint,
    windows: windows.size,
    lastWindow: last
      ? {
          from: formatTime(last.startMs),
          to: formatTime(last.endMs),
          rows: last.rows,
          labelled: last.labelled,
          driftedColumns: last.driftedColumns,
          scoreDrifted: last.scoreDrifted,
          performanceVerdict: last.performanceVerdict,
        }
      : null,
    alerts: [...alerts.values()],
  };
}

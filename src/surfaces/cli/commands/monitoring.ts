import type { z } from 'zod';
import { part } from '../api.ts';
import type { CommandCall } from '../command.ts';
import { alertSchema, monitorWindowSummarySchema } from '../contract.ts';
import { table } from '../format/table.ts';
import { eventTime, more, none, percent } from '../format/text.ts';
import { limitOf } from './limit-of.ts';
import { requireEndpoint } from './require-endpoint.ts';

type Window = z.output<typeof monitorWindowSummarySchema>;

/** `millrace windows <endpoint>` */
export async function windows(call: CommandCall): Promise<undefined> {
  const endpoint = call.at(0);
  const list = await call.api.list('windows', monitorWindowSummarySchema, limitOf(call, 20), { endpoint });
  if (list.items.length === 0) await requireEndpoint(call, endpoint);
  call.show(list, () =>
    list.items.length === 0
      ? `No window of ${endpoint} is closed yet.`
      : table(
          [
            { head: 'from', value: (window) => eventTime(window.start) },
            { head: 'of a', value: (window) => window.size },
            { head: 'version', value: (window) => window.modelVersion, align: 'right' },
            { head: 'rows', value: (window) => window.rows.toLocaleString('en-US'), align: 'right' },
            { head: 'labels', value: labelsText },
            { head: 'quality', value: qualityText },
            { head: 'errors', value: ({ health }) => ratioText(health.errorRatio.value), align: 'right' },
            { head: 'drifted', value: driftText },
          ],
          list.items,
          call.width,
        ) + more(list.items.length, list.next),
  );
}

/** Coverage, with a mark while labels are still expected. */
function labelsText({ performance }: Window): string {
  return `${percent(performance.coverageRatio)}${performance.mature ? '' : ' so far'}`;
}

/** The first metric that was compared, else the first that was measured. */
function qualityText({ performance: { metrics } }: Window): string {
  const shown = metrics.find((metric) => metric.difference !== null) ?? metrics.find((m) => m.value !== null);
  return shown ? `${shown.metric} ${shown.value?.toFixed(4) ?? none} ${shown.verdict}` : none;
}

function driftText(window: Window): string {
  return [...window.driftedColumns, ...(window.scoreDrifted ? ['the score'] : [])].join(', ') || none;
}

function ratioText(ratio: number | null): string {
  return ratio === null ? none : percent(ratio);
}

/** `millrace alerts [endpoint] [--all]` */
export async function alerts(call: CommandCall): Promise<undefined> {
  const endpoint = call.at(0);
  const query = { endpoint, state: call.has('all') ? undefined : 'unresolved' };
  const list = await call.api.list('alerts', alertSchema, limitOf(call, 20), query);
  if (endpoint !== '' && list.items.length === 0) await requireEndpoint(call, endpoint);
  call.show(list, () =>
    list.items.length === 0
      ? `No alert${call.has('all') ? '' : ' is open'}.`
      : table(
          [
            { head: 'since', value: (alert) => eventTime(alert.openedAt) },
            { head: 'endpoint', value: (alert) => alert.endpoint },
            { head: 'version', value: (alert) => alert.modelVersion, align: 'right' },
            { head: 'alert', value: (alert) => `${alert.kind} ${alert.subject}`.trim() },
            { head: 'severity', value: (alert) => alert.severity },
            { head: 'state', value: (alert) => alert.state },
            { head: 'id', value: (alert) => alert.id },
            { head: 'why', value: (alert) => alert.reason },
          ],
          list.items,
          call.width,
        ) + more(list.items.length, list.next),
  );
}

/** `millrace acknowledge <alert> --reason` */
export async function acknowledge(call: CommandCall): Promise<undefined> {
  const body = { reason: call.needed('reason') };
  const alert = await call.api.post(`alerts/${part(call.at(0))}/acknowledge`, body, alertSchema);
  call.show(alert, () => `Alert ${alert.kind} of ${alert.endpoint} is ${alert.state}.`);
}

/** Requests, failures and latency of the last windows of an endpoint, whatever version answered. Pure. */
import type { MonitorWindowSummary } from '../../../../src/lifecycle/monitoring/contract.ts';
import { groupWindows } from '../../charts/prepare/loop-history.ts';

const WINDOWS_SHOWN = 30;

type Pulse = {
  /** Per window, oldest first. */
  readonly requests: readonly number[];
  /** Of the slowest version; null for a window without an answer. */
  readonly p99Ms: readonly (number | null)[];
  readonly last: { readonly requests: number; readonly failed: number };
};

/** null before the first window has closed. */
export function pulseOf(windows: readonly MonitorWindowSummary[]): Pulse | null {
  const groups = groupWindows(windows).slice(-WINDOWS_SHOWN);
  const last = groups.at(-1);
  if (!last) return null;
  const requests = groups.map((group) => group.reduce((sum, { health }) => sum + health.requests, 0));
  return {
    requests,
    p99Ms: groups.map((group) => {
      const known = group.flatMap(({ health }) => (health.latencyMs ? [health.latencyMs.p99] : []));
      return known.length > 0 ? Math.max(...known) : null;
    }),
    last: {
      requests: requests.at(-1) ?? 0,
      failed: last.reduce((sum, { health }) => sum + health.failed, 0),
    },
  };
}

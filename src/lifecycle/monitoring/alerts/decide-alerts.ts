import type { AlertKind, MonitorSpec } from '../contract.ts';
import type { Cause } from './cause.ts';

/** An alert that is not resolved, as far as the decision needs it. */
export interface StandingAlert {
  readonly id: string;
  readonly modelVersion: string;
  readonly kind: AlertKind;
  readonly subject: string;
}

export type AlertAction =
  | { readonly act: 'open'; readonly cause: Cause }
  /** The same cause again: more evidence for the alert that stands. */
  | { readonly act: 'confirm'; readonly alertId: string; readonly cause: Cause }
  | { readonly act: 'resolve'; readonly alertId: string; readonly resolution: string };

/** Kinds that are decided together: inputs and health when a window closes, performance when it matures. */
export const closingKinds: readonly AlertKind[] = [
  'feature-drift',
  'score-drift',
  'missing-values',
  'errors',
  'refused',
  'latency',
];
export const maturingKinds: readonly AlertKind[] = ['performance'];

/** These are facts of the window itself, not estimates: one window is enough. */
const immediate: readonly AlertKind[] = ['errors', 'refused', 'latency'];

/**
 * What a window that has just closed (or matured) means for the alerts of its model version. An alert opens when
 * its cause is in this window and in `windows` of the last `outOf`; one alert per kind and subject. It is resolved
 * when its cause is not in this window and in fewer than `windows` of the last `outOf`.
 *
 * @param causes of this window first, then of the version's windows before it, newest first
 * @param standing alerts of this version that are not resolved
 */
export function decideAlerts(
  causes: readonly (readonly Cause[])[],
  standing: readonly StandingAlert[],
  kinds: readonly AlertKind[],
  persistence: MonitorSpec['persistence'],
): readonly AlertAction[] {
  const recent = causes.slice(0, persistence.outOf);
  const isIt = (a: { kind: AlertKind; subject: string }) => (b: { kind: AlertKind; subject: string }) =>
    a.kind === b.kind && a.subject === b.subject;
  const seen = (what: { kind: AlertKind; subject: string }) =>
    recent.filter((window) => window.some(isIt(what))).length;
  const needed = (kind: AlertKind) => (immediate.includes(kind) ? 1 : persistence.windows);
  const now = (recent[0] ?? []).filter(({ kind }) => kinds.includes(kind));

  const actions: AlertAction[] = [];
  for (const cause of now) {
    const alert = standing.find(isIt(cause));
    if (alert) actions.push({ act: 'confirm', alertId: alert.id, cause });
    else if (seen(cause) >= needed(cause.kind)) actions.push({ act: 'open', cause });
  }
  for (const alert of standing.filter(({ kind }) => kinds.includes(kind))) {
    if (now.some(isIt(alert)) || seen(alert) >= needed(alert.kind)) continue;
    const resolution = `in ${seen(alert)} of the last ${recent.length} windows, not in the newest`;
    actions.push({ act: 'resolve', alertId: alert.id, resolution });
  }
  return actions;
}

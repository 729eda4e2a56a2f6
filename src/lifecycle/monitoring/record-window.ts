import { uuidv7 } from '../../core/ids.ts';
import { type Clock, formatTime } from '../../core/time.ts';
import type { Database, Tx } from '../../platform/db/index.ts';
import type { Journal } from '../../platform/journal/index.ts';
import type { AlertKeeper } from './alerts/alert-keeper.ts';
import { type Cause, driftCauses, healthCauses, performanceCauses } from './alerts/cause.ts';
import {
  type ColumnDrift,
  type Health,
  type MonitorOutputs,
  type MonitorWindow,
  type Performance,
  WINDOW_CLOSED,
  WINDOW_MATURED,
  WINDOW_REVISED,
  type WindowEvent,
} from './contract.ts';
import type { VersionWindow } from './read-window.ts';
import { type KeptSpec, moveMonitor } from './store/monitors.ts';
import type { WindowRow } from './store/tables.ts';
import { putWindow } from './store/windows.ts';
import { keptWindow } from './to-contract.ts';

/** What was measured of one model version in a window. */
export interface Measured {
  readonly version: VersionWindow;
  readonly before: WindowRow | undefined;
  readonly mature: boolean;
  readonly drift: readonly ColumnDrift[];
  readonly reference: MonitorWindow['reference'];
  readonly performance: Performance;
  readonly health: Health;
}

interface MeasuredWindow {
  readonly endpoint: string;
  readonly spec: KeptSpec;
  readonly range: { readonly fromMs: number; readonly toMs: number };
  /** Start of the first window that is not closed once this is recorded. */
  readonly openMs: number;
  /** The version that answered most requests as champion. */
  readonly champion: string;
  readonly measured: readonly Measured[];
}

/** Records a window with its alerts and events in one transaction. */
export class WindowRecorder {
  readonly #db: Database;
  readonly #journal: Journal;
  readonly #alerts: AlertKeeper;
  readonly #clock: Clock;

  constructor(db: Database, journal: Journal, alerts: AlertKeeper, clock: Clock) {
    this.#db = db;
    this.#journal = journal;
    this.#alerts = alerts;
    this.#clock = clock;
  }

  async record(window: MeasuredWindow): Promise<MonitorOutputs> {
    return this.#db.write(async (tx) => {
      const totals = { closed: 0, matured: 0, revised: 0, alertsOpened: 0, alertsResolved: 0 };
      const { endpoint, spec, range, champion } = window;
      for (const measured of window.measured) {
        const { before, mature, version } = measured;
        const closes = before === undefined;
        const matures = mature && before?.state !== 'matured';
        const row = this.#row(window, measured);
        await putWindow(tx, row);
        totals.closed += closes ? 1 : 0;
        totals.matured += matures ? 1 : 0;
        totals.revised += closes || matures ? 0 : 1;
        if (closes) await this.#event(tx, WINDOW_CLOSED, row, measured, spec);
        if (matures) await this.#event(tx, WINDOW_MATURED, row, measured, spec);
        if (!closes && !matures) await this.#event(tx, WINDOW_REVISED, row, measured, spec);
        if (version.modelVersion !== champion) continue;
        const done = await this.#alerts.judge(tx, { endpoint, spec, row, closes, matures });
        totals.alertsOpened += done.opened;
        totals.alertsResolved += done.resolved;
      }
      const closesAny = window.measured.some(({ before }) => before === undefined);
      if (closesAny) {
        totals.alertsResolved += await this.#alerts.retire(tx, {
          endpoint,
          spec,
          champion,
          endMs: range.toMs,
        });
      }
      if (window.openMs > range.fromMs)
        await moveMonitor(tx, endpoint, { open_window_start_ms: window.openMs });
      return totals;
    });
  }

  #row({ endpoint, spec, range }: MeasuredWindow, measured: Measured): WindowRow {
    const { version, before, drift, performance, health, reference } = measured;
    const nowMs = this.#clock.nowMs();
    const id = before?.id ?? uuidv7(nowMs);
    const state = measured.mature || before?.state === 'matured' ? 'matured' : 'closed';
    const changed = before !== undefined && before.fingerprint !== version.fingerprint;
    const revision = (before?.revision ?? 1) + (changed ? 1 : 0);
    const content: Omit<MonitorWindow, 'drift'> = {
      id,
      endpoint,
      modelVersion: version.modelVersion,
      size: spec.window,
      start: formatTime(range.fromMs),
      end: formatTime(range.toMs),
      state,
      revision,
      rows: version.requests,
      driftedColumns: drift
        .filter((c) => c.role === 'feature' && (c.verdict === 'drifted' || c.missing.verdict === 'drifted'))
        .map((c) => c.column),
      scoreDrifted: drift.some((c) => c.role === 'score' && c.verdict === 'drifted'),
      performance: { ...performance, mature: state === 'matured' },
      health,
      computedAt: formatTime(nowMs),
      reference,
    };
    const causes: readonly Cause[] = [
      ...driftCauses(drift, spec.drift),
      ...healthCauses(health, spec.health),
      ...(state === 'matured' ? performanceCauses(performance, spec.performance) : []),
    ];
    return {
      id,
      endpoint,
      model_version: version.modelVersion,
      size: spec.window,
      start_ms: range.fromMs,
      end_ms: range.toMs,
      state,
      revision,
      fingerprint: version.fingerprint,
      champion_rows: version.championRows,
      causes_json: JSON.stringify(causes),
      window_json: JSON.stringify(content),
      drift_json: JSON.stringify(drift),
      computed_at_ms: nowMs,
    };
  }

  async #event(tx: Tx, type: string, row: WindowRow, measured: Measured, spec: KeptSpec): Promise<void> {
    const window = keptWindow(row);
    const metric = measured.performance.metrics.find((m) => m.metric === spec.performance.metric);
    const data: WindowEvent = {
      windowId: row.id,
      endpoint: row.endpoint,
      modelVersion: row.model_version,
      startMs: row.start_ms,
      endMs: row.end_ms,
      revision: row.revision,
      rows: window.rows,
      labelled: window.performance.labelled,
      driftedColumns: window.driftedColumns,
      scoreDrifted: window.scoreDrifted,
      performanceVerdict: metric?.verdict ?? 'insufficient',
    };
    const subject = { kind: 'endpoint', id: row.endpoint };
    await this.#journal.appendEvent(tx, { type, subject, data, eventTimeMs: row.end_ms });
  }
}

import { uuidv7 } from '../../../core/ids.ts';
import { type Clock, formatTime } from '../../../core/time.ts';
import type { Tx } from '../../../platform/db/index.ts';
import type { Jobs } from '../../../platform/jobs/index.ts';
import type { Journal } from '../../../platform/journal/index.ts';
import {
  ALERT_OPENED,
  ALERT_RESOLVED,
  type AlertEvent,
  type AlertEvidence,
  type RestoredControl,
  type RolloutAborted,
  replicaAlertKinds,
  type WatchedReplica,
} from '../contract.ts';
import {
  insertAlert,
  insertDelivery,
  unresolvedAlerts,
  unresolvedOfKind,
  updateAlert,
} from '../store/alerts.ts';
import type { KeptSpec } from '../store/monitors.ts';
import type { AlertRow, WindowRow } from '../store/tables.ts';
import { listWindows } from '../store/windows.ts';
import { readEvidence } from '../to-contract.ts';
import { type Cause, causeSchema } from './cause.ts';
import { type AlertAction, closingKinds, decideAlerts, maturingKinds } from './decide-alerts.ts';
import { ALERT_DELIVERY, deliveryMaxFailures } from './deliver-alert.ts';
import { replicaFindings } from './replica-findings.ts';
import { restoredReason } from './restored-reason.ts';

interface JudgedWindow {
  readonly endpoint: string;
  readonly spec: KeptSpec;
  readonly row: WindowRow;
  /** Whether the window has just been closed, and whether its performance has just matured. */
  readonly closes: boolean;
  readonly matures: boolean;
}

/** What is known of an alert when it opens. */
type NewAlert = Pick<
  AlertRow,
  'endpoint' | 'model_version' | 'kind' | 'subject' | 'severity' | 'reason' | 'evidence_json' | 'opened_at_ms'
>;

/** A part of a prediction log that cannot be read. */
export interface LogDamage {
  readonly endpoint: string;
  readonly subject: string;
  /** null: not known. */
  readonly rowsLost: number | null;
  readonly reason: string;
}

const keptEvidence = 50;
/** Kinds that are about what replicas are and have. */
const ofReplicas: readonly string[] = ['log-damage', 'restored', ...replicaAlertKinds];
/** Kinds that another champion does not end. */
const ofNoChampion: readonly string[] = ['rollout', ...ofReplicas];

/** Opens, confirms and resolves alerts as windows come in, and has the webhooks told, in the caller's transaction. */
export class AlertKeeper {
  readonly #journal: Journal;
  readonly #jobs: Jobs;
  readonly #clock: Clock;

  constructor(journal: Journal, jobs: Jobs, clock: Clock) {
    this.#journal = journal;
    this.#jobs = jobs;
    this.#clock = clock;
  }

  /** Judges what a window of the champion gives cause for. A window measured again opens and resolves nothing. */
  async judge(tx: Tx, window: JudgedWindow): Promise<{ readonly opened: number; readonly resolved: number }> {
    const { endpoint, spec, row } = window;
    const kinds = [...(window.closes ? closingKinds : []), ...(window.matures ? maturingKinds : [])];
    let [opened, resolved] = [0, 0];
    if (kinds.length === 0) return { opened, resolved };
    const earlier = await listWindows(tx, {
      endpoint,
      size: row.size,
      modelVersion: row.model_version,
      toMs: row.start_ms,
      limit: spec.persistence.outOf - 1,
    });
    const causes = [row, ...earlier].map((w) => causeSchema.array().parse(JSON.parse(w.causes_json)));
    const standing = (await unresolvedAlerts(tx, endpoint)).filter(
      (alert) => alert.model_version === row.model_version,
    );
    const alerts = standing.map((alert) => ({
      id: alert.id,
      modelVersion: alert.model_version,
      kind: alert.kind as Cause['kind'],
      subject: alert.subject,
    }));
    for (const action of decideAlerts(causes, alerts, kinds, spec.persistence)) {
      await this.#carryOut(tx, window, action, standing);
      opened += action.act === 'open' ? 1 : 0;
      resolved += action.act === 'resolve' ? 1 : 0;
    }
    return { opened, resolved };
  }

  /** Resolves the alerts of versions that no longer answer as champion. Returns how many. */
  async retire(
    tx: Tx,
    {
      endpoint,
      spec,
      champion,
      endMs,
    }: { endpoint: string; spec: KeptSpec; champion: string; endMs: number },
  ): Promise<number> {
    const gone = (await unresolvedAlerts(tx, endpoint)).filter(
      // A version whose rollout was aborted does not answer: that is no reason to forget it.
      (alert) =>
        !ofNoChampion.includes(alert.kind) && alert.model_version !== champion && alert.opened_at_ms <= endMs,
    );
    for (const alert of gone) {
      const resolution = `version ${alert.model_version} no longer answers; version ${champion} does`;
      await this.#resolve(tx, spec, alert, endMs, resolution);
    }
    return gone.length;
  }

  /** Opens an alert about an aborted rollout, unless this one is told of already. */
  async rolloutAborted(tx: Tx, spec: KeptSpec, told: RolloutAborted): Promise<void> {
    const { endpoint, modelVersion, subject, reason, beganMs, endedMs } = told;
    const known = await unresolvedAlerts(tx, endpoint);
    if (known.some((alert) => alert.kind === 'rollout' && alert.subject === subject)) return;
    const evidence: AlertEvidence = {
      window: { id: subject, start: formatTime(beganMs), end: formatTime(endedMs) },
      value: null,
      threshold: null,
      reason,
    };
    await this.#open(tx, spec, {
      endpoint,
      model_version: modelVersion,
      kind: 'rollout',
      subject,
      severity: 'bad',
      reason,
      evidence_json: JSON.stringify([evidence]),
      opened_at_ms: endedMs,
    });
  }

  /**
   * Opens an alert about each damage that is not told of already, and resolves those about what is damaged no more.
   *
   * @param where who found them; knows of no others
   */
  async logDamaged(
    tx: Tx,
    specOf: (endpoint: string) => Promise<KeptSpec>,
    where: { readonly id: string; readonly resolution: string },
    damages: readonly LogDamage[],
  ): Promise<void> {
    const nowMs = this.#clock.nowMs();
    const known = (await unresolvedOfKind(tx, 'log-damage')).filter((alert) => isOf(alert, where.id));
    for (const { endpoint, subject, rowsLost, reason } of damages) {
      if (known.some((alert) => alert.endpoint === endpoint && alert.subject === subject)) continue;
      const at = formatTime(nowMs);
      const evidence: AlertEvidence = {
        window: { id: where.id, start: at, end: at },
        value: rowsLost,
        threshold: null,
        reason,
      };
      await this.#open(tx, await specOf(endpoint), {
        endpoint,
        model_version: '',
        kind: 'log-damage',
        subject,
        severity: 'bad',
        reason,
        evidence_json: JSON.stringify([evidence]),
        opened_at_ms: nowMs,
      });
    }
    for (const alert of known) {
      if (damages.some((d) => d.endpoint === alert.endpoint && d.subject === alert.subject)) continue;
      await this.#resolve(tx, await specOf(alert.endpoint), alert, nowMs, where.resolution);
    }
  }

  /** Opens and resolves alerts about replicas, by what is known of all of them. See `replicaFindings`. */
  async replicasWatched(
    tx: Tx,
    specOf: (endpoint: string) => Promise<KeptSpec>,
    replicas: readonly WatchedReplica[],
  ): Promise<void> {
    const nowMs = this.#clock.nowMs();
    const at = formatTime(nowMs);
    for (const kind of replicaAlertKinds) {
      const known = await unresolvedOfKind(tx, kind);
      const { findings, whyOver } = replicaFindings(kind, replicas);
      for (const { endpoint, replicaId, reason, value } of findings) {
        if (known.some((alert) => alert.endpoint === endpoint && alert.subject === replicaId)) continue;
        const evidence: AlertEvidence = {
          window: { id: replicaId, start: at, end: at },
          value,
          threshold: null,
          reason,
        };
        await this.#open(tx, await specOf(endpoint), {
          endpoint,
          model_version: '',
          kind,
          subject: replicaId,
          severity: 'bad',
          reason,
          evidence_json: JSON.stringify([evidence]),
          opened_at_ms: nowMs,
        });
      }
      for (const alert of known) {
        const resolution = whyOver(alert.endpoint, alert.subject);
        if (resolution !== null)
          await this.#resolve(tx, await specOf(alert.endpoint), alert, nowMs, resolution);
      }
    }
  }

  /** Opens an alert for each endpoint of a replica that knows of what came after control's backup, unless there is one. */
  async controlRestored(
    tx: Tx,
    specOf: (endpoint: string) => Promise<KeptSpec>,
    told: RestoredControl,
  ): Promise<void> {
    const { replicaId, endpoints, fromMs, toMs } = told;
    const nowMs = this.#clock.nowMs();
    const reason = restoredReason(told);
    const known = (await unresolvedOfKind(tx, 'restored')).filter(({ subject }) => subject === replicaId);
    const window = {
      id: replicaId,
      start: formatTime(fromMs ?? toMs ?? nowMs),
      end: formatTime(toMs ?? nowMs),
    };
    for (const endpoint of endpoints) {
      if (known.some((alert) => alert.endpoint === endpoint)) continue;
      await this.#open(tx, await specOf(endpoint), {
        endpoint,
        model_version: '',
        kind: 'restored',
        subject: replicaId,
        severity: 'bad',
        reason,
        evidence_json: JSON.stringify([
          { window, value: null, threshold: null, reason } satisfies AlertEvidence,
        ]),
        opened_at_ms: nowMs,
      });
    }
  }

  /** An alert that a person has seen: one of a kind that nothing else ends is over. */
  async acknowledged(tx: Tx, spec: KeptSpec, alert: AlertRow): Promise<void> {
    if (alert.kind !== 'restored') return;
    await this.#resolve(tx, spec, alert, this.#clock.nowMs(), 'a person has seen to it');
  }

  /** Resolves what is open about earlier rollouts of an endpoint. */
  async rolloutSucceeded(
    tx: Tx,
    spec: KeptSpec,
    endpoint: string,
    endedMs: number,
    resolution: string,
  ): Promise<void> {
    const open = (await unresolvedAlerts(tx, endpoint)).filter((alert) => alert.kind === 'rollout');
    for (const alert of open) await this.#resolve(tx, spec, alert, endedMs, resolution);
  }

  /** Resolves what is open about an endpoint that was retired; what is about replicas and their files stays. */
  async endpointRetired(tx: Tx, spec: KeptSpec, endpoint: string): Promise<void> {
    const nowMs = this.#clock.nowMs();
    const open = (await unresolvedAlerts(tx, endpoint)).filter(({ kind }) => !ofReplicas.includes(kind));
    for (const alert of open) await this.#resolve(tx, spec, alert, nowMs, 'the endpoint was retired');
  }

  async #carryOut(
    tx: Tx,
    { spec, row }: JudgedWindow,
    action: AlertAction,
    standing: readonly AlertRow[],
  ): Promise<void> {
    const nowMs = this.#clock.nowMs();
    if (action.act === 'open') {
      const { cause } = action;
      await this.#open(tx, spec, {
        endpoint: row.endpoint,
        model_version: row.model_version,
        kind: cause.kind,
        subject: cause.subject,
        severity: cause.severity,
        reason: cause.reason,
        evidence_json: JSON.stringify([evidenceOf(cause, row)]),
        opened_at_ms: row.end_ms,
      });
      return;
    }
    const alert = standing.find(({ id }) => id === action.alertId);
    if (!alert) return;
    if (action.act === 'resolve') return this.#resolve(tx, spec, alert, row.end_ms, action.resolution);
    const evidence = [...readEvidence(alert), evidenceOf(action.cause, row)];
    await updateAlert(tx, alert.id, {
      reason: action.cause.reason,
      severity: action.cause.severity === 'bad' ? 'bad' : alert.severity,
      evidence_json: JSON.stringify(evidence.slice(-keptEvidence)),
      updated_at_ms: nowMs,
    });
  }

  async #open(tx: Tx, spec: KeptSpec, what: NewAlert): Promise<void> {
    const nowMs = this.#clock.nowMs();
    const alert: AlertRow = {
      ...what,
      id: uuidv7(nowMs),
      state: 'open',
      resolved_at_ms: null,
      resolution: null,
      acknowledged_by: null,
      acknowledged_reason: null,
      created_at_ms: nowMs,
      updated_at_ms: nowMs,
    };
    await insertAlert(tx, alert);
    await this.#tell(tx, spec, alert, ALERT_OPENED, what.opened_at_ms);
  }

  async #resolve(tx: Tx, spec: KeptSpec, alert: AlertRow, endMs: number, resolution: string): Promise<void> {
    const change = {
      state: 'resolved',
      resolved_at_ms: endMs,
      resolution,
      updated_at_ms: this.#clock.nowMs(),
    } as const;
    await updateAlert(tx, alert.id, change);
    await this.#tell(tx, spec, { ...alert, ...change }, ALERT_RESOLVED, endMs);
  }

  async #tell(
    tx: Tx,
    spec: KeptSpec,
    alert: AlertRow,
    event: typeof ALERT_OPENED | typeof ALERT_RESOLVED,
    eventTimeMs: number,
  ): Promise<void> {
    const data: AlertEvent = {
      alertId: alert.id,
      endpoint: alert.endpoint,
      modelVersion: alert.model_version,
      kind: alert.kind,
      subject: alert.subject,
      severity: alert.severity,
      reason: event === ALERT_OPENED ? alert.reason : (alert.resolution ?? alert.reason),
    };
    const subject = { kind: 'endpoint', id: alert.endpoint };
    await this.#journal.appendEvent(tx, { type: event, subject, data, eventTimeMs });
    for (const { webhook, signed, sealed } of spec.alerts) {
      const id = uuidv7(this.#clock.nowMs());
      await insertDelivery(tx, {
        id,
        alert_id: alert.id,
        event,
        url: webhook,
        is_signed: signed ? 1 : 0,
        sealed_target: sealed,
        body: JSON.stringify({ id, event, eventTime: formatTime(eventTimeMs), alert: data }),
        state: 'pending',
        attempts: 0,
        http_status: null,
        error: null,
        updated_at_ms: this.#clock.nowMs(),
      });
      await this.#jobs.enqueue(tx, {
        kind: ALERT_DELIVERY,
        payload: { subject: `alert/${alert.id}`, inputs: { deliveryId: id } },
        key: `${ALERT_DELIVERY}/${id}`,
        maxFailures: deliveryMaxFailures,
      });
    }
  }
}

function evidenceOf(cause: Cause, row: WindowRow): AlertEvidence {
  return {
    window: { id: row.id, start: formatTime(row.start_ms), end: formatTime(row.end_ms) },
    value: cause.value,
    threshold: cause.threshold,
    reason: cause.reason,
  };
}

/** Whether an alert about a damaged log was found there. */
function isOf(alert: AlertRow, where: string): boolean {
  return readEvidence(alert)[0]?.window.id === where;
}

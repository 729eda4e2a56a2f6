import { fail } from '../../core/errors.ts';
import { parseInput } from '../../core/schema.ts';
import { type Clock, formatTime, wallClock } from '../../core/time.ts';
import { type Actor, authorize } from '../../platform/access/index.ts';
import type { DirectoryBlobStore } from '../../platform/blobs/index.ts';
import type { Database, Tx } from '../../platform/db/index.ts';
import type { Frames } from '../../platform/frames/index.ts';
import type { Jobs } from '../../platform/jobs/index.ts';
import type { Journal } from '../../platform/journal/index.ts';
import type { Outbound } from '../../platform/outbound/index.ts';
import type { SecretBox } from '../../platform/secrets/index.ts';
import type { Watermarks } from '../../platform/watermarks/index.ts';
import type { DataService } from '../data/index.ts';
import type { EvaluationService } from '../evaluation/index.ts';
import type { FeedbackService } from '../feedback/index.ts';
import { AlertKeeper } from './alerts/alert-keeper.ts';
import { controlDamages, replicaDamage } from './alerts/damage-reason.ts';
import { deliverAlert } from './alerts/deliver-alert.ts';
import { areKept, keptTarget, meantTargets, sealOpenTarget } from './alerts/targets.ts';
import {
  type Alert,
  type DamagedLog,
  type Monitor,
  type MonitorOutputs,
  type MonitorReferenceRequest,
  type MonitorSpecInput,
  type MonitorWindow,
  type MonitorWindowSummary,
  metricNameSchema,
  monitorReferenceRequestSchema,
  monitorSpecSchema,
  type RestoredControl,
  type RolloutAborted,
  type UnreadableSegment,
  type WatchedReplica,
} from './contract.ts';
import { References } from './drift/references.ts';
import { type MonitorRunDeps, runMonitor } from './monitor-run.ts';
import { WindowRecorder } from './record-window.ts';
import {
  type AlertFilter,
  deliveriesOf,
  findAlert,
  listAlerts,
  sealDeliveries,
  updateAlert,
} from './store/alerts.ts';
import {
  findMonitor,
  type KeptSpec,
  keptSpecSchema,
  listMonitors,
  listReferences,
  moveMonitor,
  putMonitor,
  putReference,
  sealMonitors,
  specOf,
} from './store/monitors.ts';
import type { MonitorRow } from './store/tables.ts';
import { findWindow, listWindows, startsToMature, type WindowFilter } from './store/windows.ts';
import { shownSpec, toAlert, toMonitor, toWindow, toWindowSummary } from './to-contract.ts';
import { windowStartMs } from './window-times.ts';

export interface MonitoringServiceOptions {
  readonly db: Database;
  readonly journal: Journal;
  readonly jobs: Jobs;
  readonly watermarks: Watermarks;
  readonly blobs: DirectoryBlobStore;
  readonly frames: Frames;
  readonly data: DataService;
  readonly evaluation: EvaluationService;
  readonly feedback: FeedbackService;
  /** Seals the addresses and secrets of webhooks. */
  readonly secrets: SecretBox;
  /** Calls the webhooks of alerts. */
  readonly outbound: Outbound;
  readonly clock?: Clock;
}

/** Watches endpoints: closes windows of event time, measures drift, performance and health, keeps alerts. */
export class MonitoringService {
  readonly #options: MonitoringServiceOptions;
  readonly #clock: Clock;
  readonly #alerts: AlertKeeper;
  readonly #runDeps: MonitorRunDeps;
  /** One run at a time per endpoint. */
  readonly #running = new Map<string, Promise<unknown>>();

  constructor(options: MonitoringServiceOptions) {
    this.#options = options;
    this.#clock = options.clock ?? wallClock;
    const { db, journal, jobs, watermarks, data, blobs, frames, feedback } = options;
    this.#alerts = new AlertKeeper(journal, jobs, this.#clock);
    this.#runDeps = {
      db,
      watermarks,
      frames,
      feedback,
      references: new References(data, blobs, frames),
      recorder: new WindowRecorder(db, journal, this.#alerts, this.#clock),
      clock: this.#clock,
    };
  }

  /**
   * Says how an endpoint is watched. The same again changes nothing; another window size holds for windows that
   * are not closed yet. A webhook given as it is shown stays, with its secret. Throws `invalid_input`.
   */
  async configure(actor: Actor, endpoint: string, input: MonitorSpecInput): Promise<Monitor> {
    authorize(actor, 'monitoring:write');
    const { alerts: given, ...rest } = parseInput(monitorSpecSchema, input, 'monitor');
    const { db, journal, watermarks, secrets } = this.#options;
    await db.write(async (tx) => {
      const before = await findMonitor(tx, endpoint);
      const kept = before === undefined ? [] : specOf(before).alerts;
      const targets = meantTargets(secrets, given, kept);
      const alerts = areKept(secrets, targets, kept)
        ? kept
        : targets.map((target) => keptTarget(target, secrets.seal));
      const spec: KeptSpec = { ...rest, alerts: [...alerts] };
      const specJson = JSON.stringify(spec);
      if (before && JSON.stringify(specOf(before)) === specJson) return;
      await watermarks.declare(tx, endpoint);
      await putMonitor(tx, {
        endpoint,
        spec_json: specJson,
        open_window_start_ms: null,
        seen_label_segment: '',
        seen_predictions_ms: 0,
        updated_at_ms: this.#clock.nowMs(),
      });
      const openMs = before?.open_window_start_ms ?? null;
      if (openMs !== null) {
        await moveMonitor(tx, endpoint, { open_window_start_ms: windowStartMs(openMs, spec.window) });
      }
      await journal.appendAudit(tx, {
        actor,
        action: 'monitoring:configure',
        subject: { kind: 'monitor', id: endpoint },
        before: before && shownSpec(specOf(before)),
        after: shownSpec(spec),
        reason: 'the way the endpoint is watched was declared',
      });
    });
    return this.monitor(actor, endpoint);
  }

  /**
   * Says what a model version's windows are compared with: the rows it was trained on and the evaluation before it
   * was deployed. Throws `not_found` for an unknown monitor, dataset version or evaluation.
   */
  async addReference(actor: Actor, endpoint: string, input: MonitorReferenceRequest): Promise<void> {
    authorize(actor, 'monitoring:write');
    const request = parseInput(monitorReferenceRequestSchema, input, 'reference');
    const { db, journal, data, evaluation } = this.#options;
    await this.#known(endpoint);
    await data.version(actor, request.datasetVersionId);
    const report =
      request.evaluationId === null
        ? undefined
        : (await evaluation.evaluation(actor, request.evaluationId)).report;
    const estimates = report?.overall.candidate;
    const metrics = metricNameSchema.options.flatMap((metric) => {
      const estimate = estimates?.[metric];
      return estimate === undefined || estimate.value === null
        ? []
        : [{ metric, value: estimate.value, low: estimate.low, high: estimate.high }];
    });
    const rows = report?.overall.rows ?? 0;
    await db.write(async (tx) => {
      await putReference(tx, {
        endpoint,
        model_version: request.modelVersion,
        dataset_version_id: request.datasetVersionId,
        evaluation_id: request.evaluationId,
        scores_digest: request.scoresDigest,
        metrics_json: JSON.stringify(metrics),
        base_rate: report && rows > 0 ? report.overall.positives / rows : null,
        added_at_ms: this.#clock.nowMs(),
      });
      await journal.appendAudit(tx, {
        actor,
        action: 'monitoring:add-reference',
        subject: { kind: 'monitor', id: endpoint },
        after: request,
        reason: `version ${request.modelVersion} is compared with what it was trained and judged on`,
      });
    });
  }

  /** Throws `not_found`. */
  async monitor(actor: Actor, endpoint: string): Promise<Monitor> {
    authorize(actor, 'read');
    return this.#toMonitor(await this.#known(endpoint));
  }

  async monitors(actor: Actor): Promise<readonly Monitor[]> {
    authorize(actor, 'read');
    const rows = await listMonitors(this.#options.db.read);
    return Promise.all(rows.map((row) => this.#toMonitor(row)));
  }

  /** Start of the oldest window that can be closed or has matured by the watermark; undefined if none is due. */
  async dueSince(actor: Actor, endpoint: string): Promise<number | undefined> {
    authorize(actor, 'read');
    const { db, watermarks, feedback } = this.#options;
    const monitor = await findMonitor(db.read, endpoint);
    const watermarkMs = await watermarks.get(endpoint);
    if (!monitor || watermarkMs === undefined) return undefined;
    const spec = specOf(monitor);
    const [maturing] = await startsToMature(db.read, endpoint, spec.window, watermarkMs - spec.labelDelayMs);
    if (maturing !== undefined) return maturing;
    const closedMs = windowStartMs(watermarkMs - spec.allowedDelayMs, spec.window);
    const fromMs = monitor.open_window_start_ms ?? undefined;
    if (fromMs !== undefined && fromMs >= closedMs) return undefined;
    const segments = await feedback.predictionSegments(actor, { endpoint, fromMs, toMs: closedMs });
    if (segments.length === 0) return undefined;
    return (
      fromMs ?? Math.min(...segments.map((segment) => windowStartMs(segment.minEventTimeMs, spec.window)))
    );
  }

  /** Does everything that is due for an endpoint at its watermark. See `runMonitor`. */
  async run(actor: Actor, endpoint: string): Promise<MonitorOutputs> {
    authorize(actor, 'monitoring:write');
    const before = this.#running.get(endpoint) ?? Promise.resolve();
    const run = before.catch(() => undefined).then(() => runMonitor(this.#runDeps, endpoint));
    this.#running.set(endpoint, run);
    try {
      return await run;
    } finally {
      if (this.#running.get(endpoint) === run) this.#running.delete(endpoint);
    }
  }

  /** Windows of the size in force, newest first; of an unknown monitor none. */
  async windows(actor: Actor, filter: Omit<WindowFilter, 'size'>): Promise<readonly MonitorWindowSummary[]> {
    authorize(actor, 'read');
    const monitor = await findMonitor(this.#options.db.read, filter.endpoint);
    if (!monitor) return [];
    const { window: size } = specOf(monitor);
    return (await listWindows(this.#options.db.read, { ...filter, size })).map(toWindowSummary);
  }

  /** Throws `not_found`. */
  async window(actor: Actor, id: string): Promise<MonitorWindow> {
    authorize(actor, 'read');
    const row = await findWindow(this.#options.db.read, id);
    if (!row) throw fail('not_found', { kind: 'window', id, list: '/api/v1/windows?endpoint=<name>' });
    return toWindow(row);
  }

  /** Alerts, newest first. */
  async alerts(actor: Actor, filter: AlertFilter): Promise<readonly Alert[]> {
    authorize(actor, 'read');
    const { db } = this.#options;
    const rows = await listAlerts(db.read, filter);
    const deliveries = await deliveriesOf(
      db.read,
      rows.map((row) => row.id),
    );
    return rows.map((row) => toAlert(row, deliveries));
  }

  /** Throws `not_found`. */
  async alert(actor: Actor, id: string): Promise<Alert> {
    authorize(actor, 'read');
    const { db } = this.#options;
    const row = await findAlert(db.read, id);
    if (!row) throw fail('not_found', { kind: 'alert', id, list: '/api/v1/alerts' });
    return toAlert(row, await deliveriesOf(db.read, [id]));
  }

  /** Says that a person has seen an open alert. An alert that is not open stays as it is. Throws `not_found`. */
  async acknowledge(actor: Actor, id: string, reason: string): Promise<Alert> {
    authorize(actor, 'monitoring:write');
    const { db, journal } = this.#options;
    await db.write(async (tx) => {
      const row = await findAlert(tx, id);
      if (row?.state !== 'open') return;
      await updateAlert(tx, id, {
        state: 'acknowledged',
        acknowledged_by: `${actor.kind}:${actor.id}`,
        acknowledged_reason: reason,
        updated_at_ms: this.#clock.nowMs(),
      });
      const subject = { kind: 'alert', id };
      await journal.appendEvent(tx, {
        type: 'alert.acknowledged',
        subject,
        data: { endpoint: row.endpoint },
      });
      await journal.appendAudit(tx, { actor, action: 'monitoring:acknowledge', subject, reason });
      await this.#alerts.acknowledged(tx, await this.#specOf(tx, row.endpoint), row);
    });
    return this.alert(actor, id);
  }

  /**
   * Opens an alert about a rollout that ended by harm, in the transaction that writes its end; its webhooks are the
   * endpoint's, if it is monitored. Telling it again changes nothing.
   */
  async rolloutAborted(tx: Tx, actor: Actor, told: RolloutAborted): Promise<void> {
    authorize(actor, 'monitoring:write');
    await this.#alerts.rolloutAborted(tx, await this.#specOf(tx, told.endpoint), told);
  }

  /** Resolves the alerts about aborted rollouts of an endpoint: a later one was promoted. */
  async rolloutPromoted(
    tx: Tx,
    actor: Actor,
    told: { readonly endpoint: string; readonly modelVersion: string; readonly endedMs: number },
  ): Promise<void> {
    authorize(actor, 'monitoring:write');
    const { endpoint, modelVersion, endedMs } = told;
    const resolution = `version ${modelVersion} was rolled out`;
    await this.#alerts.rolloutSucceeded(tx, await this.#specOf(tx, endpoint), endpoint, endedMs, resolution);
  }

  /** Resolves the alerts about an endpoint that was retired, in the transaction that retires it. */
  async endpointRetired(tx: Tx, actor: Actor, endpoint: string): Promise<void> {
    authorize(actor, 'monitoring:write');
    await this.#alerts.endpointRetired(tx, await this.#specOf(tx, endpoint), endpoint);
  }

  /**
   * Says which files a replica has set aside of its prediction logs: opens an alert about each, and resolves those about
   * files that are mended or gone. The same again changes nothing.
   */
  async logDamaged(actor: Actor, replicaId: string, segments: readonly DamagedLog[]): Promise<void> {
    authorize(actor, 'monitoring:write');
    const where = { id: replicaId, resolution: `replica "${replicaId}" has it no longer set aside` };
    const damages = segments.map((segment) => replicaDamage(replicaId, segment));
    await this.#options.db.write((tx) =>
      this.#alerts.logDamaged(tx, (endpoint) => this.#specOf(tx, endpoint), where, damages),
    );
  }

  /** Says which segments of prediction logs control cannot read: one alert for each endpoint. The same again changes nothing. */
  async segmentsSetAside(actor: Actor, segments: readonly UnreadableSegment[]): Promise<void> {
    authorize(actor, 'monitoring:write');
    const where = {
      id: 'blobs of control',
      resolution: 'control can read them again, or knows of others now',
    };
    const damages = controlDamages(segments);
    await this.#options.db.write((tx) =>
      this.#alerts.logDamaged(tx, (endpoint) => this.#specOf(tx, endpoint), where, damages),
    );
  }

  /**
   * Says what is known of all replicas: opens an alert for each endpoint of one that is away or whose clock is off, and
   * resolves those about replicas that are well again or forgotten. The same again changes nothing.
   */
  async replicasWatched(actor: Actor, replicas: readonly WatchedReplica[]): Promise<void> {
    authorize(actor, 'monitoring:write');
    await this.#options.db.write((tx) =>
      this.#alerts.replicasWatched(tx, (endpoint) => this.#specOf(tx, endpoint), replicas),
    );
  }

  /**
   * Says that control was restored from a backup that is older than what a replica had told it: opens an alert for each of
   * its endpoints, which is over when a person has seen it.
   */
  async controlRestored(actor: Actor, told: RestoredControl): Promise<void> {
    authorize(actor, 'monitoring:write');
    await this.#options.db.write((tx) =>
      this.#alerts.controlRestored(tx, (endpoint) => this.#specOf(tx, endpoint), told),
    );
  }

  /** How an endpoint is watched; the defaults, without webhooks, when nobody has said so. */
  async #specOf(tx: Tx, endpoint: string): Promise<KeptSpec> {
    const monitor = await findMonitor(tx, endpoint);
    return monitor ? specOf(monitor) : keptSpecSchema.parse({});
  }

  /** One attempt to tell a webhook; run by the job queue. */
  async deliver(actor: Actor, deliveryId: string, signal: AbortSignal): Promise<void> {
    authorize(actor, 'monitoring:write');
    const { db, outbound, secrets } = this.#options;
    await deliverAlert({ db, outbound, secrets, clock: this.#clock }, deliveryId, signal);
  }

  /** Seals the targets of alerts that were declared before targets were sealed. Once, at the start. */
  async sealTargets(): Promise<void> {
    const seal = (sealed: string) => sealOpenTarget(this.#options.secrets, sealed);
    await this.#options.db.write(async (tx) => {
      await sealMonitors(tx, seal);
      await sealDeliveries(tx, seal);
    });
  }

  async #known(endpoint: string): Promise<MonitorRow> {
    const row = await findMonitor(this.#options.db.read, endpoint);
    if (!row) throw fail('not_found', { kind: 'monitor', id: endpoint, list: '/api/v1/monitors' });
    return row;
  }

  async #toMonitor(row: MonitorRow): Promise<Monitor> {
    const watermarkMs = await this.#options.watermarks.get(row.endpoint);
    const references = await listReferences(this.#options.db.read, row.endpoint);
    return toMonitor(row, references, watermarkMs === undefined ? null : formatTime(watermarkMs));
  }
}

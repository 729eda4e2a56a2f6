import { type Clock, formatTime } from '../../core/time.ts';
import { type Actor, systemActor } from '../../platform/access/index.ts';
import type { Database } from '../../platform/db/index.ts';
import type { Journal } from '../../platform/journal/index.ts';
import type { Logger } from '../../platform/log/index.ts';
import {
  type DamagedSegment,
  type ReplicaStatus,
  type RouteTable,
  servingEvents,
  type WithdrawnArm,
} from './contract.ts';
import { ReplicaHub, type ReplicaRecords } from './replica-hub.ts';
import { ReplicaWatch, type ReplicaWatchOptions } from './replica-watch.ts';
import { armOf, withdrawn } from './route-changes.ts';
import type { RouteWriter } from './route-writer.ts';
import type { ServingStore, StoredReplica } from './store.ts';

/** What becomes of what replicas tell. */
export interface ReplicaKeeperOptions extends Pick<ReplicaRecords, 'hashKeyPrint'> {
  readonly db: Database;
  readonly journal: Journal;
  readonly log: Logger;
  /** Hears what a replica has set aside of its log: at each of its reports, and once when that is nothing any more. */
  readonly onDamaged?: (replicaId: string, segments: readonly DamagedSegment[]) => Promise<void>;
  /** Hears that control was restored from a backup that is older than what a replica had told it. */
  readonly onRestored?: (told: RestoredControl) => Promise<void>;
  /** Hears which replicas are away, and whose clock is off; left out: nobody does. */
  readonly watch?: Pick<ReplicaWatchOptions, 'told'> & {
    /** A replica is away when it is gone for so long without having been stopped. */
    readonly awayAfterMs: number;
  };
}

/** What a control that was restored from an older backup does not know of a replica. */
interface RestoredControl {
  readonly replicaId: string;
  readonly endpoints: readonly string[];
  /** Until when the backup knows of it; null: it does not know it at all. */
  readonly fromMs: number | null;
  /** When the control of before last took a report of it; null: it started again since, and does not know. */
  readonly toMs: number | null;
}

/** Reports come every 5 s, and a power loss may take the last of them. */
const missingMs = 60_000;

/** Keeps in the database what the hub learns of replicas, and acts on what they report. */
export class ReplicaKeeper {
  readonly hub: ReplicaHub;
  readonly #options: ReplicaKeeperOptions;
  readonly #store: ServingStore;
  readonly #writer: RouteWriter;
  readonly #watch: ReplicaWatch | null;
  /** The newest route, as far as was looked; replicas are ahead of it only where control was restored. */
  #newest = 0;
  /** When replicas were seen last, as far as the database knew at the start; of those that have not reported since. */
  readonly #seenBefore: Map<string, number>;
  readonly #clock: Clock;

  /** @param known those that were there before this start of control */
  constructor(
    options: ReplicaKeeperOptions,
    parts: { readonly store: ServingStore; readonly writer: RouteWriter; readonly clock: Clock },
    known: readonly StoredReplica[],
    table: () => Promise<RouteTable>,
  ) {
    this.#options = options;
    this.#store = parts.store;
    this.#writer = parts.writer;
    this.#clock = parts.clock;
    this.#seenBefore = new Map(
      known.flatMap(({ id, seenAtMs }) => (seenAtMs === null ? [] : [[id, seenAtMs]])),
    );
    const { db, watch, hashKeyPrint, log } = options;
    const remove = (id: string) => db.write((tx) => this.#store.deleteReplica(tx, id));
    const put: ReplicaRecords['put'] = (...record) => this.#record(...record);
    const unsent = (err: unknown) => log.warn({ err }, 'routes could not be sent to replicas; tried on');
    this.hub = new ReplicaHub({ put, remove, table, hashKeyPrint, unsent }, known, parts.clock);
    const health = () => this.hub.health(watch?.awayAfterMs ?? 0);
    this.#watch = watch ? new ReplicaWatch({ ...watch, log, health }) : null;
  }

  async close(): Promise<void> {
    await this.#watch?.close();
    await this.hub.close();
  }

  /** Tells who listens of replicas that are away or whose clock is off; done every few seconds anyway. */
  async check(): Promise<void> {
    await this.#watch?.check();
  }

  /** Takes a replica's status; an arm that it took the traffic from loses it everywhere. Throws `replica_name_taken`. */
  async report(id: string, status: ReplicaStatus): Promise<void> {
    const damaged = status.damaged ?? [];
    const hadDamaged = this.hub.replicas.some((r) => r.id === id && r.damaged.length > 0);
    await this.#noteRestored(id, status);
    await this.hub.report(id, status);
    if (hadDamaged || damaged.length > 0) await this.#options.onDamaged?.(id, damaged);
    for (const told of status.withdrawn ?? []) await this.#guarded(id, told);
    // Another report may forget some of them meanwhile.
    for (let [gone] = this.hub.longGone; gone !== undefined; [gone] = this.hub.longGone)
      await this.forget(systemActor, gone, 'it was away for so long that it is not expected back');
  }

  /** Forgets a replica that will not come back, so that nothing waits for its log. Throws `not_found`, `conflict`. */
  async forget(actor: Actor, id: string, reason: string): Promise<void> {
    this.hub.forget(id);
    const { db, journal, onDamaged } = this.#options;
    await db.write(async (tx) => {
      await this.#store.deleteReplica(tx, id);
      const subject = { kind: 'replica', id };
      await journal.appendAudit(tx, { actor, action: 'serving:forget', subject, reason });
    });
    await onDamaged?.(id, []);
  }

  /**
   * Tells of a replica that has had routes, or was heard at a time, which control does not know of: it was restored from
   * an older backup. Once of each, as they count as known then.
   */
  async #noteRestored(id: string, status: ReplicaStatus): Promise<void> {
    const { highestVersion = 0, heardMs, clockMs, endpoints } = status;
    const before = { newest: this.#newest, seenMs: this.#seenBefore.get(id) };
    this.#seenBefore.delete(id);
    const { seenMs: fromMs = null } = before;
    const toMs =
      heardMs === undefined || clockMs === undefined ? null : this.#clock.nowMs() - (clockMs - heardMs);
    const isMissing = fromMs !== null && toMs !== null && toMs - fromMs > missingMs;
    if (highestVersion <= before.newest && !isMissing) return;
    const newest = await this.#store.lastVersion();
    this.#newest = Math.max(newest, highestVersion);
    if (highestVersion <= newest && !isMissing) return;
    const named = endpoints.map(({ endpoint }) => endpoint);
    try {
      await this.#tellRestored({ replicaId: id, endpoints: named, fromMs, toMs }, highestVersion, newest);
    } catch (error) {
      // Its next report tries again.
      this.#newest = before.newest;
      if (fromMs !== null) this.#seenBefore.set(id, fromMs);
      throw error;
    }
  }

  async #tellRestored(told: RestoredControl, highestVersion: number, newest: number): Promise<void> {
    const { db, journal, log, onRestored } = this.#options;
    const [from, to] = [told.fromMs, told.toMs].map((ms) => (ms === null ? null : formatTime(ms)));
    await onRestored?.(told);
    const data = { highestVersion, newest, from, to };
    const subject = { kind: 'replica', id: told.replicaId };
    await db.write((tx) => journal.appendEvent(tx, { type: servingEvents.replicaAhead, subject, data }));
    log.error(
      { replica: told.replicaId, itsRoutes: highestVersion, controlsRoutes: newest, from, to },
      'control was restored from an older backup: a replica knows of what came after it. Endpoints answer by the older ' +
        'routes now; what was changed, revoked, erased, labelled and logged since the backup is not here',
    );
  }

  async #guarded(replica: string, told: WithdrawnArm): Promise<void> {
    const { endpoint, arm: name, modelVersion, reason, counts, atMs } = told;
    const evidence = { replica, arm: name, modelVersion, counts, at: formatTime(atMs) };
    const change = { actor: systemActor, action: 'withdraw', reason } as const;
    await this.#writer.change(
      endpoint,
      { ...change, event: servingEvents.endpointGuarded, evidence },
      (now) => (armOf(now, name)?.modelVersion === modelVersion ? withdrawn(now, name) : null),
    );
  }

  async #record(
    replica: StoredReplica,
    event: string | null,
    data: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    const { db, journal } = this.#options;
    await db.write(async (tx) => {
      await this.#store.putReplica(tx, replica);
      if (event)
        await journal.appendEvent(tx, { type: event, subject: { kind: 'replica', id: replica.id }, data });
    });
  }
}

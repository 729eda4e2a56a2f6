import { fail } from '../../core/errors.ts';
import { uuidv7 } from '../../core/ids.ts';
import { type Clock, formatDuration, formatTime } from '../../core/time.ts';
import {
  type LatelyAsked,
  type Replica,
  type ReplicaHealth,
  type ReplicaStatus,
  type StreamMessage,
  servingEvents,
} from './contract.ts';
import type { StoredReplica } from './store.ts';
import { TableReader, type TableSource } from './table-reader.ts';

/** Writes what the hub learns; the service does it in a transaction. */
export interface ReplicaRecords extends TableSource {
  readonly put: (
    replica: StoredReplica,
    event: string | null,
    data: Readonly<Record<string, unknown>>,
  ) => Promise<void>;
  readonly remove: (id: string) => Promise<void>;
  /** Which key control hashes entities with that it looks for; not asked unless a replica hashes. */
  readonly hashKeyPrint?: (() => string) | undefined;
}

export interface SettleOptions {
  /** For a replica to answer by the route, or to say that it loads a model; 30 s unless given. */
  readonly timeoutMs?: number;
  /** For all loading together; a quarter of an hour unless given. */
  readonly loadMs?: number;
  readonly signal?: AbortSignal;
}

/** The connected replicas, and those of them that still load what a route needs. */
export interface Reached {
  readonly replicas: readonly string[];
  readonly loading: readonly string[];
}

type Send = (message: StreamMessage) => void;

interface Known {
  readonly id: string;
  status: ReplicaStatus | null;
  connectedAtMs: number | null;
  seenAtMs: number | null;
  /** Its open streams: one, but while it connects anew. */
  readonly streams: Set<Send>;
  /** Which process of this name is followed; null: it did not say, or none was since control started. */
  instance: string | null;
  rivalRefusedAtMs: number | null;
  clockAheadMs: number | null;
  clockIsOff: boolean | null;
  /** Processes of this name that were refused and told of. */
  readonly rivals: Set<string>;
  /** How often it has reported since control started. */
  reports: number;
}

const settleMs = 30_000;
/** A model of Python may take five minutes to load, and five more for its first prediction; its files come before. */
const loadLimitMs = 15 * 60_000;
const pingEveryMs = 5000;
/** After so many pings without a report of its own, sent every 5 s, a replica is gone though TCP does not say so yet. */
const unheardPings = 4;
/** A process that said nothing for so long is dead, though its connection is still open; it reports every 5 s. */
const deadAfterMs = 16_000;
/** A replica that vanished less than this ago may hold rows that it never told of. */
const recentlyMs = 60_000;
/** How long a replica that is away is known: one that had sent all of its log, and one that had not. */
const knownAwayMs = { sent: 86_400_000, holding: 7 * 86_400_000 } as const;
/** A clock that is further off dates rows into other hours; rollouts leave out what seems to come from before they began. */
const clockOffMs = 60_000;
/** A clock that was off is right again from here. */
const clockRightMs = 45_000;
/** After a start of control replicas have so long to come back, however long it was away. */
const returnMs = 600_000;

/** The replicas that follow this control: streams out, statuses in, and waiting for what they report. */
export class ReplicaHub {
  readonly #records: ReplicaRecords;
  readonly #clock: Clock;
  readonly #replicas = new Map<string, Known>();
  readonly #seals = new Map<string, Set<string>>();
  readonly #waiters = new Set<() => void>();
  readonly #tables: TableReader;
  readonly #startedMs: number;
  #followed: readonly string[] = [];
  #closed = false;

  constructor(records: ReplicaRecords, known: readonly StoredReplica[], clock: Clock) {
    this.#records = records;
    this.#clock = clock;
    this.#tables = new TableReader(records);
    this.#startedMs = clock.nowMs();
    for (const replica of known) this.#replicas.set(replica.id, { ...replica, ...notFollowed() });
  }

  get replicas(): readonly Replica[] {
    return [...this.#replicas.values()].map((replica) => {
      const { logHashKey = null } = replica.status ?? {};
      const logHashKeyDiffers = this.#hashKeyDiffers(replica);
      return { ...resource(replica, this.#forgottenAtMs(replica)), logHashKey, logHashKeyDiffers };
    });
  }

  /** What the connected replicas were asked of an endpoint lately; null when none of them tells. */
  lately(endpoint: string): LatelyAsked | null {
    const told = [...this.#replicas.values()].flatMap((replica) =>
      isConnected(replica) && replica.status?.lately ? [replica.status.lately] : [],
    );
    if (told.length === 0) return null;
    const asked = told.flat().filter((each) => each.endpoint === endpoint);
    return {
      predictions: asked.reduce((sum, each) => sum + each.predictions, 0),
      failed: asked.reduce((sum, each) => sum + each.failed, 0),
      refused: asked.reduce((sum, each) => sum + each.refused, 0),
    };
  }

  /** Ids of replicas that have been away for so long that they are to be forgotten. */
  get longGone(): readonly string[] {
    const nowMs = this.#clock.nowMs();
    return [...this.#replicas.values()].flatMap((replica) => {
      const atMs = this.#forgottenAtMs(replica);
      return atMs !== null && atMs <= nowMs ? [replica.id] : [];
    });
  }

  /** @param awayAfterMs a replica that is gone for no longer is not away */
  health(awayAfterMs: number): readonly ReplicaHealth[] {
    const nowMs = this.#clock.nowMs();
    return [...this.#replicas.values()].map((replica) => {
      const { id, status, seenAtMs, clockAheadMs, clockIsOff } = replica;
      const isHere = isConnected(replica) || status?.leaving === true;
      const sinceMs = seenAtMs ?? this.#startedMs;
      const isAway = !isHere && nowMs - Math.max(sinceMs, this.#startedMs) >= awayAfterMs;
      return {
        replicaId: id,
        endpoints: (status?.endpoints ?? []).map(({ endpoint }) => endpoint),
        awaySinceMs: isAway ? sinceMs : null,
        presenceIsKnown: isHere || isAway || sinceMs >= this.#startedMs,
        clockAheadMs,
        clockIsOff,
        otherKeyEndpoints: this.#hashKeyDiffers(replica) ? (status?.hashedEndpoints ?? []) : [],
      };
    });
  }

  #hashKeyDiffers({ status }: StoredReplica): boolean {
    const { logHashKey } = status ?? {};
    if (logHashKey === undefined) return false;
    try {
      return logHashKey !== this.#records.hashKeyPrint?.();
    } catch {
      // While control cannot read its own key it finds nothing that was hashed, whosever key that was.
      return true;
    }
  }

  /** Throws `replica_name_taken` for a process while another one of its name is connected and alive. */
  async admit(id: string, instance: string | undefined): Promise<void> {
    const replica = this.#known(id);
    if (!this.#isRival(replica, instance)) return;
    replica.rivalRefusedAtMs = this.#clock.nowMs();
    if (!replica.rivals.has(instance ?? '')) {
      replica.rivals.add(instance ?? '');
      await this.#record(replica, servingEvents.replicaRefused, { instance, url: replica.status?.url });
    }
    const where = replica.status?.url ? ` and answers at ${replica.status.url}` : '';
    throw fail('replica_name_taken', { replica: id, where });
  }

  /**
   * Follows a replica's stream until it closes, or the replica was not heard of for so long that its machine or the
   * network must have gone. The replica is connected while any stream of its id is followed. Throws what the records
   * throw. Whoever opened the stream has to end it when this is over.
   *
   * @param instance which process it is; one that took the place of another, dead one is followed alone
   */
  async attach(id: string, send: Send, closed: Promise<void>, instance?: string): Promise<void> {
    const replica = this.#known(id);
    if (instance !== undefined && replica.instance !== instance) {
      if (replica.instance !== null) replica.streams.clear();
      replica.instance = instance;
    }
    const nowMs = this.#clock.nowMs();
    replica.streams.add(send);
    Object.assign(replica, { connectedAtMs: nowMs, seenAtMs: nowMs });
    let pings: NodeJS.Timeout | undefined;
    const { promise: silent, resolve: giveUp } = Promise.withResolvers<void>();
    let [heard, unheard] = [replica.reports, 0];
    try {
      await this.#tables.deliver((routes) => send({ type: 'routes', routes }));
      for (const [token, missing] of this.#seals) if (missing.has(id)) send({ type: 'seal', token });
      await this.#record(replica, servingEvents.replicaConnected);
      send(this.#ping());
      pings = setInterval(() => {
        unheard = replica.reports === heard ? unheard + 1 : 0;
        heard = replica.reports;
        if (unheard >= unheardPings) giveUp();
        send(this.#ping());
      }, pingEveryMs);
      await Promise.race([closed, silent]);
    } finally {
      clearInterval(pings);
      if (replica.streams.delete(send) && replica.streams.size === 0) await this.#detached(replica);
    }
  }

  async #detached(replica: Known): Promise<void> {
    this.#wake();
    if (hasServed(replica)) await this.#record(replica, servingEvents.replicaDisconnected);
    else await this.#drop(replica.id);
  }

  /** Has all replicas send rows of these endpoints as they are written, and those of no others. */
  follow(endpoints: readonly string[]): void {
    this.#followed = endpoints;
    this.#tellAll(this.#ping());
  }

  #ping(): StreamMessage {
    return { type: 'ping', ...(this.#followed.length > 0 ? { follow: [...this.#followed] } : {}) };
  }

  /** Reads and records nothing any more: the database is about to close, and streams with it. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#tables.close();
  }

  /** Takes a replica's status. */
  async report(id: string, status: ReplicaStatus): Promise<void> {
    const { sealedToken, instance, clockMs, ...told } = status;
    await this.admit(id, instance);
    const replica = this.#known(id);
    // One that starts again says where it answers only when it listens, and nobody forgets where it did.
    const url = told.url ?? replica.status?.url;
    const kept = { ...told, ...(url === undefined ? {} : { url }) };
    const applied = replica.status?.routesVersion !== status.routesVersion;
    const nowMs = this.#clock.nowMs();
    const wasOff = replica.clockIsOff === true;
    replica.clockAheadMs = clockMs === undefined ? null : clockMs - nowMs;
    replica.clockIsOff =
      clockMs === undefined ? null : Math.abs(clockMs - nowMs) > (wasOff ? clockRightMs : clockOffMs);
    replica.status = kept;
    replica.seenAtMs = nowMs;
    replica.reports += 1;
    if (sealedToken) this.#seals.get(sealedToken)?.delete(id);
    this.#wake();
    // Its last word came after its end.
    if (!isConnected(replica) && !hasServed(replica)) return this.#drop(id);
    await this.#record(replica, applied ? servingEvents.replicaApplied : null, {
      routesVersion: status.routesVersion,
    });
    const { clockAheadMs } = replica;
    if (!wasOff && replica.clockIsOff)
      await this.#record(replica, servingEvents.replicaClockOff, { clockAheadMs });
  }

  /** Sends the present route table to all; when it cannot be read, again a second later. */
  broadcast(): Promise<void> {
    return this.#tables.broadcast((routes) => this.#tellAll({ type: 'routes', routes }));
  }

  /**
   * Resolves with the ids of the connected replicas once all of them answer by this route or a later one. While one
   * of them says that it loads a model, it goes on waiting, for a quarter of an hour: as long as a load may take.
   * Throws `replicas_behind` when one cannot, or when the time is up (also while none is connected).
   */
  async settled(
    endpoint: string,
    routeVersion: number,
    wait: SettleOptions = {},
  ): Promise<readonly string[]> {
    const { loadMs = loadLimitMs } = wait;
    const deadlineMs = performance.now() + loadMs;
    for (;;) {
      const { loading, replicas } = await this.reached(endpoint, routeVersion, wait);
      if (loading.length === 0) return replicas;
      if (performance.now() < deadlineMs) continue;
      const problem = `it is still loading the model after ${formatDuration(loadMs)}`;
      throw fail('replicas_behind', { endpoint, routeVersion, replicas: loading.join(', '), problem });
    }
  }

  /** As `settled`, but tells which replicas still load a model when the first time is up, and waits no longer. */
  async reached(
    endpoint: string,
    routeVersion: number,
    { timeoutMs = settleMs, signal }: SettleOptions = {},
  ): Promise<Reached> {
    const behind = () =>
      [...this.#replicas.values()].filter((r) => isConnected(r) && inForce(r, endpoint) < routeVersion);
    const isSettled = () => {
      const broken = behind().find(
        (r) => (r.status?.routesVersion ?? 0) >= routeVersion && errorOf(r, endpoint),
      );
      if (broken) {
        const problem = errorOf(broken, endpoint);
        throw fail('replicas_behind', { endpoint, routeVersion, replicas: broken.id, problem });
      }
      return this.#connected().length > 0 && behind().length === 0;
    };
    if (await this.#until(isSettled, timeoutMs, signal)) return { replicas: this.#connected(), loading: [] };
    const late = behind();
    const loading = late.filter((r) => r.status?.models.some(({ state }) => state === 'loading'));
    if (loading.length > 0) return { replicas: this.#connected(), loading: loading.map(({ id }) => id) };
    const replicas = late.map(({ id }) => id).join(', ') || 'any replica';
    const problem =
      late.length > 0
        ? 'it did not answer in time'
        : 'no replica is connected; start one with "millrace serve"';
    throw fail('replicas_behind', { endpoint, routeVersion, replicas, problem });
  }

  /**
   * Has every replica seal its prediction log and send it. Resolves when control has all of it. Waits also for
   * replicas that are away but hold rows. Throws `replicas_unsealed` when one does not come up with them.
   */
  async seal(timeoutMs: number): Promise<void> {
    const nowMs = this.#clock.nowMs();
    const expected = [...this.#replicas.values()].filter(
      (r) => isConnected(r) || (r.status?.segmentsWaiting ?? 0) > 0 || nowMs - (r.seenAtMs ?? 0) < recentlyMs,
    );
    if (expected.length === 0) return;
    const token = uuidv7();
    const missing = new Set(expected.map((r) => r.id));
    this.#seals.set(token, missing);
    for (const replica of expected) tell(replica, { type: 'seal', token });
    const done = await this.#until(() => missing.size === 0, timeoutMs);
    this.#seals.delete(token);
    if (!done) throw fail('replicas_unsealed', { replicas: [...missing].join(', ') });
  }

  /** Forgets a replica that is gone for good. Throws `conflict` while it is connected. */
  forget(id: string): void {
    const replica = this.#replicas.get(id);
    if (!replica) throw fail('not_found', { kind: 'replica', id, list: '/api/v1/replicas' });
    if (isConnected(replica)) throw fail('conflict', { problem: `replica "${id}" is connected` });
    this.#delete(id);
  }

  async #drop(id: string): Promise<void> {
    this.#delete(id);
    if (!this.#closed) await this.#records.remove(id);
  }

  #delete(id: string): void {
    this.#replicas.delete(id);
    for (const missing of this.#seals.values()) missing.delete(id);
    this.#wake();
  }

  #forgottenAtMs(replica: Known): number | null {
    if (isConnected(replica)) return null;
    const holding = (replica.status?.segmentsWaiting ?? 0) > 0;
    const awayMs = holding ? knownAwayMs.holding : knownAwayMs.sent;
    return Math.max((replica.seenAtMs ?? this.#startedMs) + awayMs, this.#startedMs + returnMs);
  }

  #tellAll(message: StreamMessage): void {
    for (const replica of this.#replicas.values()) tell(replica, message);
  }

  #connected(): string[] {
    return [...this.#replicas.values()].filter(isConnected).map((r) => r.id);
  }

  #known(id: string): Known {
    const known = this.#replicas.get(id) ?? {
      id,
      status: null,
      connectedAtMs: null,
      seenAtMs: null,
      ...notFollowed(),
    };
    this.#replicas.set(id, known);
    return known;
  }

  #isRival(replica: Known, instance: string | undefined): boolean {
    if (instance === undefined || replica.instance === null || replica.instance === instance) return false;
    const silentMs = this.#clock.nowMs() - (replica.seenAtMs ?? 0);
    return isConnected(replica) && silentMs < deadAfterMs;
  }

  async #record(
    replica: Known,
    event: string | null,
    data: Readonly<Record<string, unknown>> = {},
  ): Promise<void> {
    if (this.#closed) return;
    const { id, status, connectedAtMs, seenAtMs } = replica;
    await this.#records.put({ id, status, connectedAtMs, seenAtMs }, event, data);
  }

  #wake(): void {
    for (const waiter of this.#waiters) waiter();
  }

  /** Waits until a condition holds that depends on the replicas alone; false when the time is up. */
  async #until(holds: () => boolean, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    const deadlineMs = performance.now() + timeoutMs;
    while (!holds()) {
      signal?.throwIfAborted();
      const leftMs = deadlineMs - performance.now();
      if (leftMs <= 0) return false;
      await new Promise<void>((resolve) => {
        const end = () => {
          clearTimeout(timer);
          signal?.removeEventListener('abort', end);
          this.#waiters.delete(end);
          resolve();
        };
        const timer = setTimeout(end, leftMs);
        signal?.addEventListener('abort', end, { once: true });
        this.#waiters.add(end);
      });
    }
    return true;
  }
}

function notFollowed(): Omit<Known, keyof StoredReplica> {
  return {
    streams: new Set(),
    instance: null,
    rivalRefusedAtMs: null,
    rivals: new Set(),
    reports: 0,
    clockAheadMs: null,
    clockIsOff: null,
  };
}

function isConnected(replica: Known): boolean {
  return replica.streams.size > 0;
}

/** One that ended before it listened (its port was taken, say) is missed by nobody, unless rows wait with it. */
function hasServed({ status }: Known): boolean {
  const { url, segmentsWaiting = 0, segmentsDamaged = 0 } = status ?? {};
  return url !== undefined || segmentsWaiting + segmentsDamaged > 0;
}

function tell(replica: Known, message: StreamMessage): void {
  for (const send of replica.streams) send(message);
}

function inForce(replica: Known, endpoint: string): number {
  return replica.status?.endpoints.find((e) => e.endpoint === endpoint)?.routeVersion ?? 0;
}

function errorOf(replica: Known, endpoint: string): string | undefined {
  return replica.status?.endpoints.find((e) => e.endpoint === endpoint)?.error;
}

function resource(
  { id, status, connectedAtMs, seenAtMs, streams, rivalRefusedAtMs, clockAheadMs }: Known,
  forgottenAtMs: number | null,
): Omit<Replica, 'logHashKey' | 'logHashKeyDiffers'> {
  return {
    id,
    connected: streams.size > 0,
    url: status?.url ?? null,
    routesVersion: status?.routesVersion ?? 0,
    endpoints: status?.endpoints ?? [],
    models: status?.models ?? [],
    segmentsWaiting: status?.segmentsWaiting ?? 0,
    segmentsDamaged: status?.segmentsDamaged ?? 0,
    damaged: [...(status?.damaged ?? [])],
    shadowDropped: status?.shadowDropped ?? 0,
    connectedAt: connectedAtMs === null ? null : formatTime(connectedAtMs),
    lastSeenAt: seenAtMs === null ? null : formatTime(seenAtMs),
    clockAheadMs,
    left: status?.leaving === true,
    forgottenAt: forgottenAtMs === null ? null : formatTime(forgottenAtMs),
    rivalRefusedAt: rivalRefusedAtMs === null ? null : formatTime(rivalRefusedAtMs),
  };
}

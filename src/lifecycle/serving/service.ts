import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { fail } from '../../core/errors.ts';
import type { Digest } from '../../core/json.ts';
import { packageManifestSchema } from '../../core/model-package.ts';
import { parseInput } from '../../core/schema.ts';
import { type Clock, formatTime, wallClock } from '../../core/time.ts';
import { type Actor, authorize } from '../../platform/access/index.ts';
import type { BlobStore } from '../../platform/blobs/index.ts';
import type { Database, Tx } from '../../platform/db/index.ts';
import type { Journal } from '../../platform/journal/index.ts';
import {
  type DeclareEndpoint,
  declareEndpointSchema,
  defaultEndpointOptions,
  type Endpoint,
  type EndpointRoute,
  type Replica,
  type ReplicaStatus,
  type RouteAction,
  type RouteTable,
  type RouteVersion,
  type Shadow,
  type StreamMessage,
  servingEvents,
} from './contract.ts';
import { ReplicaHub } from './replica-hub.ts';
import {
  armOf,
  challenged,
  deployed,
  promoted,
  rolledBack,
  shadowed,
  type Target,
  type Traffic,
  weighted,
  withdrawn,
} from './route-changes.ts';
import { ServingStore, type StoredEndpoint, type StoredReplica, type StoredRouteVersion } from './store.ts';

export interface ServingServiceOptions {
  readonly db: Database;
  readonly journal: Journal;
  readonly blobs: BlobStore;
  readonly clock?: Clock;
}

type Compute = (route: EndpointRoute, tx: Tx) => Promise<Traffic | null> | Traffic | null;

const routesTopic = 'serving-routes';
const defaultSettleMs = 30_000;
const sealMs = 60_000;

/**
 * Endpoints and their routes. Each change is one transaction with its event and audit entry, gets the next
 * route version, and goes out to the connected replicas as soon as it is committed.
 */
export class ServingService {
  readonly #options: ServingServiceOptions;
  readonly #store: ServingStore;
  readonly #clock: Clock;
  readonly #hub: ReplicaHub;
  readonly #stop: () => void;

  private constructor(options: ServingServiceOptions, known: readonly StoredReplica[]) {
    this.#options = options;
    this.#store = new ServingStore(options.db);
    this.#clock = options.clock ?? wallClock;
    const put = (replica: StoredReplica, event: string | null, data: Readonly<Record<string, unknown>>) =>
      this.#recordReplica(replica, event, data);
    this.#hub = new ReplicaHub({ put, table: () => this.routeTable() }, known, this.#clock);
    this.#stop = options.db.onSignal(routesTopic, () => void this.#hub.broadcast());
  }

  static async open(options: ServingServiceOptions): Promise<ServingService> {
    return new ServingService(options, await new ServingStore(options.db).replicas());
  }

  /** Before the server and the database close. */
  async close(): Promise<void> {
    this.#stop();
    await this.#hub.close();
  }

  /** Makes an endpoint known, or changes what it is called by; the same again changes nothing. */
  async declare(actor: Actor, input: DeclareEndpoint): Promise<Endpoint> {
    authorize(actor, 'serving:write');
    const { name, model, entityFeature, eventTimeFeature, options } = declareEndpointSchema.parse(input);
    await this.#options.db.write(async (tx) => {
      const found = await this.#store.endpoint(name, tx);
      const before = found?.route;
      const described = {
        model,
        entityFeature,
        eventTimeFeature,
        options: options ?? before?.options ?? defaultEndpointOptions,
      };
      if (before && isDeepStrictEqual({ ...before, ...described }, before)) return;
      const fresh = { endpoint: name, routeVersion: 0, salt: newSalt(), arms: [], shadow: null };
      const kept: EndpointRoute = { ...(before ?? fresh), ...described };
      const route = before && before.model !== model ? { ...kept, arms: [], shadow: null } : kept;
      await this.#write(tx, actor, 'declare', 'declared', before ?? null, route, found?.createdAtMs);
    });
    return this.endpoint(actor, name);
  }

  async endpoints(
    actor: Actor,
    page: { readonly after?: string | undefined; readonly limit: number },
  ): Promise<readonly Endpoint[]> {
    authorize(actor, 'read');
    return (await this.#store.endpoints(page)).map((stored) => this.#resource(stored));
  }

  /** Throws `not_found`. */
  async endpoint(actor: Actor, name: string): Promise<Endpoint> {
    authorize(actor, 'read');
    return this.#resource(await this.#known(name));
  }

  async routeVersions(
    actor: Actor,
    name: string,
    page: { readonly before?: number | undefined; readonly limit: number },
  ): Promise<readonly RouteVersion[]> {
    authorize(actor, 'read');
    await this.#known(name);
    return (await this.#store.routeVersions(name, page)).map(toRouteVersion);
  }

  /** The version becomes champion with all traffic. */
  async deploy(actor: Actor, name: string, target: Target, reason: string): Promise<Endpoint> {
    authorize(actor, 'serving:write');
    await this.#requirePackage(target.packageDigest);
    return this.#change(actor, name, 'deploy', reason, (now) => deployed(now, target, newSalt()));
  }

  /** The version becomes challenger with a share (0..1) of the traffic, or the challenger's share changes. */
  async challenge(
    actor: Actor,
    name: string,
    target: Target,
    weight: number,
    reason: string,
    shadowRest = false,
  ): Promise<Endpoint> {
    authorize(actor, 'serving:write');
    await this.#requirePackage(target.packageDigest);
    return this.#change(actor, name, 'challenge', reason, (now) =>
      challenged(now, target, weight, shadowRest, newSalt()),
    );
  }

  async setWeight(actor: Actor, name: string, weight: number, reason: string): Promise<Endpoint> {
    authorize(actor, 'serving:write');
    return this.#change(actor, name, 'weight', reason, (now) => weighted(now, weight));
  }

  /** Copies of the traffic go to the version; null ends that. */
  async setShadow(actor: Actor, name: string, shadow: Shadow | null, reason: string): Promise<Endpoint> {
    authorize(actor, 'serving:write');
    if (shadow) await this.#requirePackage(shadow.packageDigest);
    return this.#change(actor, name, 'shadow', reason, (now) => shadowed(now, shadow));
  }

  /** The challenger becomes champion. With a version: that one, and nothing changes when it is champion already. */
  async promote(actor: Actor, name: string, reason: string, modelVersion?: string): Promise<Endpoint> {
    authorize(actor, 'serving:write');
    return this.#change(actor, name, 'promote', reason, (now) => promoted(now, modelVersion, newSalt()));
  }

  /** The champion has all traffic again. */
  async withdraw(actor: Actor, name: string, reason: string): Promise<Endpoint> {
    authorize(actor, 'serving:write');
    return this.#change(actor, name, 'withdraw', reason, withdrawn);
  }

  /** Back to the champion of a route version, or to the champion before the present one. Throws `rollback_impossible`. */
  async rollback(actor: Actor, name: string, reason: string, toRouteVersion?: number): Promise<Endpoint> {
    authorize(actor, 'serving:write');
    return this.#change(actor, name, 'rollback', reason, async (now, tx) => {
      const history = await this.#store.routeVersions(name, { limit: 10_000 }, tx);
      const current = armOf(now, 'champion');
      const earlier = history.find((past) =>
        toRouteVersion === undefined
          ? isOtherChampion(past, current?.packageDigest)
          : past.version === toRouteVersion && armOf({ arms: [...past.arms] }, 'champion'),
      );
      const what =
        toRouteVersion === undefined ? 'earlier champion' : `route version ${toRouteVersion} with a champion`;
      if (!earlier) throw fail('rollback_impossible', { endpoint: name, what });
      return rolledBack(earlier.arms, newSalt());
    });
  }

  /** All routes as replicas get them. */
  async routeTable(): Promise<RouteTable> {
    const endpoints = (await this.#store.endpoints()).map((e) => e.route);
    return { version: Math.max(0, ...endpoints.map((e) => e.routeVersion)), endpoints };
  }

  /** Waits until every connected replica answers by this route. Throws `replicas_behind`. */
  settled(
    name: string,
    routeVersion: number,
    options: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {},
  ): Promise<readonly string[]> {
    return this.#hub.settled(name, routeVersion, options.timeoutMs ?? defaultSettleMs, options.signal);
  }

  /** Has all replicas send what they have logged so far. Throws `replicas_unsealed`. */
  sealPredictions(timeoutMs: number = sealMs): Promise<void> {
    return this.#hub.seal(timeoutMs);
  }

  replicas(actor: Actor): readonly Replica[] {
    authorize(actor, 'read');
    return this.#hub.replicas;
  }

  async reportReplica(actor: Actor, id: string, status: ReplicaStatus): Promise<void> {
    authorize(actor, 'serving:write');
    await this.#hub.report(id, status);
  }

  /** Follows a replica's stream until it is closed. */
  async attachReplica(
    actor: Actor,
    id: string,
    send: (message: StreamMessage) => void,
    closed: Promise<void>,
  ): Promise<void> {
    authorize(actor, 'serving:write');
    await this.#hub.attach(id, send, closed);
  }

  /** Forgets a replica that will not come back, so that nothing waits for its log. */
  async forgetReplica(actor: Actor, id: string, reason: string): Promise<void> {
    authorize(actor, 'serving:write');
    this.#hub.forget(id);
    await this.#options.db.write(async (tx) => {
      await this.#store.deleteReplica(tx, id);
      await this.#options.journal.appendAudit(tx, {
        actor,
        action: 'serving:forget',
        subject: { kind: 'replica', id },
        reason,
      });
    });
  }

  async #change(
    actor: Actor,
    name: string,
    action: RouteAction,
    reason: string,
    compute: Compute,
  ): Promise<Endpoint> {
    const stored = await this.#options.db.write(async (tx) => {
      await this.#store.lockRoutes(tx, this.#options.db.dialect);
      const before = await this.#known(name, tx);
      const traffic = await compute(before.route, tx);
      if (!traffic) return before;
      return this.#write(
        tx,
        actor,
        action,
        reason,
        before.route,
        { ...before.route, ...traffic },
        before.createdAtMs,
      );
    });
    return this.#resource(stored);
  }

  async #write(
    tx: Tx,
    actor: Actor,
    action: RouteAction,
    reason: string,
    before: EndpointRoute | null,
    after: EndpointRoute,
    createdAtMs?: number,
  ): Promise<StoredEndpoint> {
    const { db, journal } = this.#options;
    const nowMs = this.#clock.nowMs();
    const route = { ...after, routeVersion: (await this.#store.lastVersion(tx)) + 1 };
    const stored = { route, createdAtMs: createdAtMs ?? nowMs, updatedAtMs: nowMs };
    await this.#store.putRoute(tx, stored, { action, actor: `${actor.kind}:${actor.id}`, reason });
    const subject = { kind: 'endpoint', id: route.endpoint };
    const { routeVersion, arms, shadow } = route;
    await journal.appendEvent(tx, {
      type: eventTypes[action],
      subject,
      data: { action, routeVersion, arms, shadow, reason },
    });
    await journal.appendAudit(tx, {
      actor,
      action: `serving:${action}`,
      subject,
      before: before && summary(before),
      after: summary(route),
      reason,
    });
    db.signal(routesTopic);
    return stored;
  }

  async #recordReplica(
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

  async #known(name: string, tx?: Tx): Promise<StoredEndpoint> {
    const stored = await this.#store.endpoint(name, tx);
    if (!stored) throw fail('not_found', { kind: 'endpoint', id: name, list: '/api/v1/endpoints' });
    return stored;
  }

  /** The package must be in the blob store and readable before traffic is sent to it. */
  async #requirePackage(digest: string): Promise<void> {
    const bytes = await this.#options.blobs.bytes(digest as Digest);
    let manifest: unknown;
    try {
      manifest = JSON.parse(bytes.toString('utf8'));
    } catch (cause) {
      throw fail(
        'invalid_input',
        { field: 'packageDigest', problem: `blob ${digest} is not a model package` },
        cause,
      );
    }
    parseInput(packageManifestSchema, manifest, 'package');
  }

  #resource({ route, createdAtMs, updatedAtMs }: StoredEndpoint): Endpoint {
    const { endpoint: name, ...rest } = route;
    const replicas = this.#hub.replicas.map(({ id, connected, url, endpoints }) => {
      const held = endpoints.find((e) => e.endpoint === name);
      return {
        id,
        connected,
        url,
        current: (held?.routeVersion ?? 0) >= route.routeVersion,
        error: held?.error ?? null,
      };
    });
    return {
      name,
      ...rest,
      createdAt: formatTime(createdAtMs),
      updatedAt: formatTime(updatedAtMs),
      replicas,
    };
  }
}

const eventTypes: Readonly<Record<RouteAction, string>> = {
  declare: servingEvents.endpointDeclared,
  deploy: servingEvents.endpointRouted,
  challenge: servingEvents.endpointRouted,
  weight: servingEvents.endpointRouted,
  shadow: servingEvents.endpointRouted,
  withdraw: servingEvents.endpointRouted,
  promote: servingEvents.endpointPromoted,
  rollback: servingEvents.endpointRolledBack,
};

function newSalt(): string {
  return randomBytes(6).toString('hex');
}

function isOtherChampion({ arms }: StoredRouteVersion, currentDigest: string | undefined): boolean {
  const champion = arms.find((a) => a.arm === 'champion');
  return champion !== undefined && champion.packageDigest !== currentDigest;
}

/** What of a route the audit trail keeps: who had how much of the traffic. */
function summary({ model, routeVersion, arms, shadow }: EndpointRoute) {
  const shares = Object.fromEntries(arms.map((a) => [a.arm, { version: a.modelVersion, weight: a.weight }]));
  return { model, routeVersion, ...shares, shadow: shadow?.modelVersion ?? null };
}

function toRouteVersion({ createdAtMs, arms, ...rest }: StoredRouteVersion): RouteVersion {
  return { ...rest, arms: [...arms], createdAt: formatTime(createdAtMs) };
}

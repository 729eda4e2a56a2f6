import { fail } from '../../core/errors.ts';
import type { Digest } from '../../core/json.ts';
import { parseInput } from '../../core/schema.ts';
import { type Clock, formatTime, wallClock } from '../../core/time.ts';
import { type Actor, authorize } from '../../platform/access/index.ts';
import type { BlobStore } from '../../platform/blobs/index.ts';
import type { Tx } from '../../platform/db/index.ts';
import { type BusyPlace, busiest } from './busiest.ts';
import {
  type ArmGuard,
  type DeclareEndpoint,
  declareEndpointSchema,
  type Endpoint,
  type EndpointLife,
  type EndpointOrder,
  type EndpointRoute,
  type OverrideToken,
  type Replica,
  type ReplicaStatus,
  type RouteTable,
  type RouteVersion,
  type StreamMessage,
} from './contract.ts';
import { type AskedToken, createOverrideToken } from './create-override-token.ts';
import { endpointResource } from './endpoint-resource.ts';
import { endpointWarnings } from './endpoint-warnings.ts';
import { KeyStore } from './keys/store.ts';
import { type PromoteTarget, promoteTo } from './promote-to.ts';
import type { Reached, SettleOptions } from './replica-hub.ts';
import { ReplicaKeeper, type ReplicaKeeperOptions } from './replica-keeper.ts';
import {
  armOf,
  challenged,
  declared,
  deployed,
  type NamedArm,
  type NamedTarget,
  promoted,
  rolledBack,
  shadowed,
  splitInto,
  stoodBy,
  switched,
  type Traffic,
  weighted,
  withdrawn,
} from './route-changes.ts';
import {
  type Compute,
  newSalt,
  type PackagedLookup,
  type RouteChange,
  RouteWriter,
  routesTopic,
} from './route-writer.ts';
import { ServingStore, type StoredEndpoint, type StoredReplica, type StoredRouteVersion } from './store.ts';

export interface ServingServiceOptions extends ReplicaKeeperOptions {
  readonly blobs: BlobStore;
  /** What the registry has of a version. */
  readonly packaged: PackagedLookup;
  readonly clock?: Clock;
  /** What changes an endpoint by itself, so that it cannot be retired: `loop churn`; null or left out: nothing. */
  readonly usedBy?: (tx: Tx, endpoint: string) => Promise<string | null>;
  /** Hears of each endpoint that is retired, in the transaction that does it. */
  readonly onRetired?: (tx: Tx, endpoint: string) => Promise<void>;
}

const sealMs = 60_000;
/** A bandit may have changed its shares thousands of times since the champion was another one. */
const routesAtOnce = 500;

/**
 * Endpoints and their routes. Each change is one transaction with its event and audit entry, gets the next
 * route version, and goes out to the connected replicas as soon as it is committed.
 */
export class ServingService {
  readonly #options: ServingServiceOptions;
  readonly #store: ServingStore;
  readonly #keys: KeyStore;
  readonly #writer: RouteWriter;
  readonly #clock: Clock;
  readonly #replicas: ReplicaKeeper;
  readonly #stop: () => void;

  private constructor(options: ServingServiceOptions, known: readonly StoredReplica[]) {
    this.#options = options;
    this.#store = new ServingStore(options.db);
    this.#keys = new KeyStore(options.db);
    this.#clock = options.clock ?? wallClock;
    this.#writer = new RouteWriter({ ...options, clock: this.#clock }, this.#store);
    const parts = { store: this.#store, writer: this.#writer, clock: this.#clock };
    this.#replicas = new ReplicaKeeper(options, parts, known, () => this.routeTable());
    this.#stop = options.db.onSignal(routesTopic, () => void this.#replicas.hub.broadcast());
  }

  static async open(options: ServingServiceOptions): Promise<ServingService> {
    return new ServingService(options, await new ServingStore(options.db).replicas());
  }

  /** Before the server and the database close. */
  async close(): Promise<void> {
    this.#stop();
    await this.#replicas.close();
  }

  /** Makes an endpoint known (again, when it was retired), or changes what it is called by; the same again changes nothing. */
  async declare(actor: Actor, input: DeclareEndpoint): Promise<Endpoint> {
    authorize(actor, 'serving:write');
    const asked = parseInput(declareEndpointSchema, input);
    const change = { actor, action: 'declare', reason: asked.reason } as const;
    await this.#writer.exclusively(async (tx) => {
      const found = await this.#store.endpoint(asked.name, tx);
      const before = found?.route ?? null;
      const route = declared(before, asked, newSalt());
      const after = route ?? (found && found.retiredAtMs !== null ? found.route : null);
      if (after) await this.#writer.write(tx, change, before, after, found?.createdAtMs);
    });
    return this.endpoint(actor, asked.name);
  }

  async endpoints(
    actor: Actor,
    life: EndpointLife,
    page: { readonly after?: string | undefined; readonly limit: number },
  ): Promise<readonly Endpoint[]> {
    authorize(actor, 'read');
    return (await this.#store.endpoints(life, page)).map((stored) => this.#resource(stored));
  }

  /** As `endpoints`, but those with the most predictions or failures lately first. */
  async busiest(
    actor: Actor,
    order: Exclude<EndpointOrder, 'name'>,
    page: { readonly after: BusyPlace | undefined; readonly limit: number },
  ): Promise<readonly Endpoint[]> {
    authorize(actor, 'read');
    const all = await this.#store.endpoints('active');
    return busiest(
      order,
      all.map((stored) => this.#resource(stored)),
      page,
    );
  }

  /** Throws `not_found`. */
  async endpoint(actor: Actor, name: string): Promise<Endpoint> {
    authorize(actor, 'read');
    return this.#resource(await this.#writer.known(name));
  }

  /** The same, with what a person should know of it. Throws `not_found`. */
  async endpointWithWarnings(actor: Actor, name: string): Promise<Endpoint> {
    const endpoint = await this.endpoint(actor, name);
    const inputsOf = (digest: Digest) => this.#writer.inputsOf(digest);
    const { packaged } = this.#options;
    return { ...endpoint, warnings: await endpointWarnings(endpoint, { inputsOf, packaged }) };
  }

  /** Names of the endpoints in service where an arm or the shadow is the version, or any version, of a model. */
  async endpointsServing(model: string, version: number | null): Promise<readonly string[]> {
    const isMeant = ({ route }: StoredEndpoint) => {
      const served = [...route.arms, ...(route.shadow ? [route.shadow] : [])];
      if (route.model !== model) return false;
      return served.some(({ modelVersion }) => version === null || modelVersion === String(version));
    };
    return (await this.#store.endpoints('active')).filter(isMeant).map(({ route }) => route.endpoint);
  }

  async routeVersions(
    actor: Actor,
    name: string,
    page: { readonly before?: number | undefined; readonly limit: number },
  ): Promise<readonly RouteVersion[]> {
    authorize(actor, 'read');
    await this.#writer.known(name);
    return (await this.#store.routeVersions(name, page)).map(toRouteVersion);
  }

  /** The version becomes champion with all traffic. */
  async deploy(actor: Actor, name: string, target: NamedTarget, reason: string): Promise<Endpoint> {
    authorize(actor, 'serving:write');
    const find = (model: string) => this.#writer.target(model, target);
    return this.#place(name, { actor, action: 'deploy', reason }, find, (now, placed) =>
      deployed(now, placed, newSalt()),
    );
  }

  /**
   * The same of a model's version at an endpoint that need not be known, or serves another model: that one's champion
   * answers until the version takes over.
   */
  async deployModel(
    actor: Actor,
    { name, model }: { readonly name: string; readonly model: string },
    target: NamedTarget,
    reason: string,
  ): Promise<Endpoint> {
    authorize(actor, 'serving:write');
    const asked = parseInput(declareEndpointSchema, { name, model });
    if (!(await this.#store.endpoint(name))) await this.declare(actor, asked);
    const placed = await this.#writer.target(model, target);
    return this.#change(name, { actor, action: 'deploy', reason }, (now) => {
      const route = declared(now, asked, newSalt()) ?? now;
      const traffic = deployed(route, placed, newSalt());
      return traffic || route !== now ? { ...route, ...traffic } : null;
    });
  }

  /** The version becomes challenger with a share (0..1) of the traffic, or the challenger's share changes. */
  async challenge(
    actor: Actor,
    name: string,
    target: NamedTarget & { readonly guard?: ArmGuard | undefined },
    weight: number,
    reason: string,
    shadowRest = false,
  ): Promise<Endpoint> {
    authorize(actor, 'serving:write');
    const find = (model: string) => this.#writer.target(model, target);
    return this.#place(name, { actor, action: 'challenge', reason }, find, (now, placed) =>
      challenged(now, placed, weight, shadowRest, newSalt()),
    );
  }

  /** A fixed split between the champion, who has the rest, and other arms. */
  async split(actor: Actor, name: string, arms: readonly NamedArm[], reason: string): Promise<Endpoint> {
    authorize(actor, 'serving:write');
    const find = (model: string) => Promise.all(arms.map((arm) => this.#writer.target(model, arm)));
    return this.#place(name, { actor, action: 'split', reason }, find, (now, placed) =>
      splitInto(now, placed, newSalt()),
    );
  }

  /** Shares of arms by their names; the champion has the rest. `evidence` is kept with the event and audit entry. */
  async setWeights(
    actor: Actor,
    name: string,
    weights: Readonly<Record<string, number>>,
    reason: string,
    evidence?: unknown,
  ): Promise<Endpoint> {
    authorize(actor, 'serving:write');
    return this.#change(name, { actor, action: 'weight', reason, evidence }, (now) => weighted(now, weights));
  }

  /** The version is loaded and warm, and has no traffic until `switchOver`. */
  async standby(actor: Actor, name: string, target: NamedTarget, reason: string): Promise<Endpoint> {
    authorize(actor, 'serving:write');
    const find = (model: string) => this.#writer.target(model, target);
    return this.#place(name, { actor, action: 'standby', reason }, find, stoodBy);
  }

  /** Standby and champion change places: a swap of pointers in the replicas, and so is the way back. Throws `endpoint_no_arm`. */
  async switchOver(actor: Actor, name: string, reason: string): Promise<Endpoint> {
    authorize(actor, 'serving:write');
    return this.#change(name, { actor, action: 'switch', reason }, (now) => switched(now, newSalt()));
  }

  /** Copies of the traffic go to the version; null ends that. */
  async setShadow(actor: Actor, name: string, shadow: NamedTarget | null, reason: string): Promise<Endpoint> {
    authorize(actor, 'serving:write');
    const find = async (model: string) => shadow && this.#writer.target(model, shadow);
    return this.#place(name, { actor, action: 'shadow', reason }, find, shadowed);
  }

  /** An arm becomes champion. With a version: that one, and nothing changes when it is champion already. */
  async promote(
    actor: Actor,
    name: string,
    reason: string,
    modelVersion?: string,
    options: { readonly arm?: string; readonly keepPrevious?: boolean } = {},
  ): Promise<Endpoint> {
    authorize(actor, 'serving:write');
    const { arm = 'challenger', keepPrevious = false } = options;
    return this.#change(name, { actor, action: 'promote', reason }, (now) =>
      promoted(now, arm, modelVersion, keepPrevious, newSalt()),
    );
  }

  /**
   * The champion of this endpoint goes on to another one of the same model: as champion, or as challenger with a
   * share. Returns the other endpoint. Throws `endpoint_no_champion`, `conflict` for another model.
   */
  async promoteTo(actor: Actor, name: string, to: PromoteTarget, reason: string): Promise<Endpoint> {
    authorize(actor, 'serving:write');
    return this.#resource(await promoteTo(this.#writer, actor, name, to, reason));
  }

  /** The champion has all traffic again, or that of one arm. */
  async withdraw(actor: Actor, name: string, reason: string, arm?: string): Promise<Endpoint> {
    authorize(actor, 'serving:write');
    return this.#change(name, { actor, action: 'withdraw', reason }, (now) => withdrawn(now, arm));
  }

  /** Back to the champion of a route version, or to the champion before the present one. Throws `rollback_impossible`. */
  async rollback(actor: Actor, name: string, reason: string, toRouteVersion?: number): Promise<Endpoint> {
    authorize(actor, 'serving:write');
    return this.#change(name, { actor, action: 'rollback', reason }, async (now, tx) => {
      const current = armOf(now, 'champion');
      const earlier = await this.#earlier(tx, name, (past) =>
        toRouteVersion === undefined
          ? isOtherChampion(past, current?.packageDigest)
          : past.version === toRouteVersion && armOf({ arms: [...past.arms] }, 'champion') !== undefined,
      );
      const what =
        toRouteVersion === undefined ? 'earlier champion' : `route version ${toRouteVersion} with a champion`;
      if (!earlier) throw fail('rollback_impossible', { endpoint: name, what });
      return rolledBack(earlier.arms, newSalt());
    });
  }

  /** The newest of an endpoint's routes that is meant. */
  async #earlier(
    tx: Tx,
    name: string,
    isMeant: (past: StoredRouteVersion) => boolean,
  ): Promise<StoredRouteVersion | undefined> {
    for (let before: number | undefined; ; ) {
      const page = await this.#store.routeVersions(name, { before, limit: routesAtOnce }, tx);
      const found = page.find(isMeant);
      if (found || page.length < routesAtOnce) return found;
      before = page.at(-1)?.version;
    }
  }

  /**
   * Takes an endpoint out of service: callers are told that there is none, its models are unloaded, lists leave it out.
   * Its log, labels and history stay, and whoever deploys, declares or rolls it back has it in service again. The same
   * again changes nothing. Throws `not_found`, `endpoint_in_use`.
   */
  async retire(actor: Actor, name: string, reason: string): Promise<Endpoint> {
    authorize(actor, 'serving:write');
    return this.#change(name, { actor, action: 'retire', reason }, async (_, tx) => {
      const { retiredAtMs } = await this.#writer.known(name, tx);
      if (retiredAtMs !== null) return null;
      const by = await this.#options.usedBy?.(tx, name);
      if (by) throw fail('endpoint_in_use', { endpoint: name, by });
      await this.#options.onRetired?.(tx, name);
      return { arms: [], shadow: null };
    });
  }

  /**
   * A token with which a tester's requests choose an arm; they are logged as overrides and judged by nobody. Throws
   * `endpoint_no_arm`.
   */
  async createOverrideToken(actor: Actor, name: string, asked: AskedToken): Promise<OverrideToken> {
    authorize(actor, 'serving:write');
    return createOverrideToken(this.#writer, { ...this.#options, clock: this.#clock }, actor, name, asked);
  }

  /** The newest version of any endpoint's route; 0 before the first. */
  lastRouteVersion(): Promise<number> {
    return this.#store.lastVersion();
  }

  /** The route of an endpoint, also of one that is retired; undefined: there never was one. */
  async route(name: string): Promise<EndpointRoute | undefined> {
    return (await this.#store.endpoint(name))?.route;
  }

  /** All routes as replicas get them. */
  async routeTable(): Promise<RouteTable> {
    // Read first: a table may have more than its version says, never less.
    const version = await this.#store.lastVersion();
    const endpoints = (await this.#store.endpoints('active')).map((e) => e.route);
    const keys = await this.#keys.active(this.#clock.nowMs());
    return { version, endpoints, ...(keys.length > 0 ? { keys } : {}) };
  }

  /** Has replicas get the present table once the transaction, in which keys change, is over. */
  keysChanged(): void {
    this.#options.db.signal(routesTopic);
  }

  /** Waits until every connected replica answers by this route, longer while one loads. Throws `replicas_behind`. */
  settled(name: string, routeVersion: number, wait: SettleOptions = {}): Promise<readonly string[]> {
    return this.#replicas.hub.settled(name, routeVersion, wait);
  }

  /** As `settled`, but for 30 s, and tells which replicas still load then. */
  reached(name: string, routeVersion: number): Promise<Reached> {
    return this.#replicas.hub.reached(name, routeVersion);
  }

  /** Has all replicas send what they have logged so far. Throws `replicas_unsealed`. */
  sealPredictions(timeoutMs: number = sealMs): Promise<void> {
    return this.#replicas.hub.seal(timeoutMs);
  }

  /** Has replicas send rows of these endpoints as they are written, and those of no others. */
  followRows(endpoints: readonly string[]): void {
    this.#replicas.hub.follow(endpoints);
  }

  /** Tells who listens of replicas that are away or whose clock is off; done every few seconds anyway. */
  checkReplicas(): Promise<void> {
    return this.#replicas.check();
  }

  replicas(actor: Actor): readonly Replica[] {
    authorize(actor, 'read');
    return this.#replicas.hub.replicas;
  }

  /** Takes a replica's status; an arm that it took the traffic from loses it everywhere. Throws `replica_name_taken`. */
  async reportReplica(actor: Actor, id: string, status: ReplicaStatus): Promise<void> {
    authorize(actor, 'serving:write');
    await this.#replicas.report(id, status);
  }

  /** Throws `replica_name_taken` for a process while another one of its name is connected. */
  async admitReplica(actor: Actor, id: string, instance: string | undefined): Promise<void> {
    authorize(actor, 'serving:write');
    await this.#replicas.hub.admit(id, instance);
  }

  /** Follows the stream of a replica that was admitted until it is closed. */
  async attachReplica(
    actor: Actor,
    id: string,
    send: (message: StreamMessage) => void,
    closed: Promise<void>,
    instance?: string,
  ): Promise<void> {
    authorize(actor, 'serving:write');
    await this.#replicas.hub.attach(id, send, closed, instance);
  }

  /** Forgets a replica that will not come back, so that nothing waits for its log. */
  async forgetReplica(actor: Actor, id: string, reason: string): Promise<void> {
    authorize(actor, 'serving:write');
    await this.#replicas.forget(actor, id, reason);
  }

  /** A change that gives versions a place. Throws `conflict` where the endpoint's model becomes another one meanwhile. */
  async #place<T>(
    name: string,
    change: RouteChange,
    find: (model: string) => Promise<T>,
    compute: (now: EndpointRoute, placed: T) => Traffic | null,
  ): Promise<Endpoint> {
    const { model } = (await this.#writer.known(name)).route;
    const placed = await find(model);
    return this.#change(name, change, (now) => {
      if (now.model === model) return compute(now, placed);
      throw fail('conflict', { problem: `"${name}" has come to serve the model ${now.model}, not ${model}` });
    });
  }

  async #change(name: string, change: RouteChange, compute: Compute): Promise<Endpoint> {
    return this.#resource(await this.#writer.change(name, change, compute));
  }

  #resource(stored: StoredEndpoint): Endpoint {
    const { hub } = this.#replicas;
    return endpointResource(stored, hub.replicas, hub.lately(stored.route.endpoint));
  }
}

function isOtherChampion({ arms }: StoredRouteVersion, currentDigest: Digest | undefined): boolean {
  const champion = arms.find((a) => a.arm === 'champion');
  return champion !== undefined && champion.packageDigest !== currentDigest;
}

function toRouteVersion({ createdAtMs, arms, ...rest }: StoredRouteVersion): RouteVersion {
  return { ...rest, arms: [...arms], createdAt: formatTime(createdAtMs) };
}

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { errorMessage } from '../../../core/error-message.ts';
import { MillraceError } from '../../../core/errors.ts';
import type { Digest } from '../../../core/json.ts';
import { openDirectoryBlobs } from '../../../platform/blobs/index.ts';
import type { Logger } from '../../../platform/log/index.ts';
import type { Registry } from '../../../platform/metrics/index.ts';
import type { RuntimeHosts } from '../../../platform/runtimes/index.ts';
import type { SegmentFrames } from '../../../platform/segments/index.ts';
import type { EndpointRoute, ReplicaStatus, RouteTable } from '../contract.ts';
import { KeyRing } from '../keys/key-ring.ts';
import { ControlLink } from './control-link.ts';
import { KeptFiles } from './kept-files.ts';
import { PackageLoader } from './package-loader.ts';
import { Plane } from './plane.ts';
import { planeMetrics } from './plane-metrics.ts';
import { PredictionLogs, type PredictionLogsOptions } from './prediction-logs.ts';

export interface ReplicaOptions {
  /** Names the replica for as long as its directory lives. */
  readonly id: string;
  /** Keeps routes.json, blobs/ and log/. */
  readonly directory: string;
  /** Null: serve what is on the disk and talk to nobody. */
  readonly controlUrl: string | null;
  readonly frames: SegmentFrames;
  readonly logger: Logger;
  readonly metrics: Registry;
  /** What it runs models with that are no ONNX graphs; none unless given. */
  readonly runtimes?: RuntimeHosts;
  /** When a segment of the prediction log is sealed. */
  readonly segmentLimits?: {
    readonly maxRows: number;
    readonly maxSizeBytes: number;
    readonly maxAgeMs: number;
  };
  /** How the prediction log is kept: see PredictionLogsOptions. */
  readonly log?: Pick<PredictionLogsOptions, 'hashKey' | 'durability' | 'maxDiskBytes'>;
}

const defaultLimits = { maxRows: 50_000, maxSizeBytes: 32 * 1024 * 1024, maxAgeMs: 10_000 } as const;
const statusEveryMs = 5000;
/** So long a stop waits for control to take the rest of the log: a supervisor kills after four seconds. */
const handOverMs = 2000;
/** Damaged segments beyond so many are only counted. */
const mostDamagedTold = 100;
/** After routes that were not taken: 3 s, 6 s … 3 min, as an attempt may build an environment or load gigabytes. */
const retry = { firstMs: 3000, longestMs: 180_000 } as const;

/**
 * The serve role: a data plane that follows control's routes. It keeps the last routes and their packages on
 * the disk, so it answers without control, also after a restart.
 */
export class Replica {
  readonly plane: Plane;
  /** Keys that open its endpoints. */
  readonly keyRing = new KeyRing();
  readonly id: string;
  readonly #options: ReplicaOptions;
  readonly #client: ControlLink | null;
  readonly #loader: PackageLoader;
  readonly #logs: PredictionLogs;
  readonly #files: KeptFiles;
  readonly #errors = new Map<string, string>();
  readonly #setRoutesVersion: (version: number) => void;
  #routesVersion = 0;
  /** The highest that it ever worked through: a control restored from an older backup sends lower ones. */
  #highestVersion = 0;
  /** What kept the last report from control; null: it was heard. */
  #unheard: string | null = null;
  /** When control last took a report. */
  #heardMs: number | null = null;
  /** Whether it was told to stop. */
  #isLeaving = false;
  #url: string | null = null;
  #wanted: RouteTable | null = null;
  /** The last table that came, whether or not all of it is in force. */
  #newest: RouteTable = { version: 0, endpoints: [] };
  /** Its routes by endpoint. */
  #routes: ReadonlyMap<string, EndpointRoute> = new Map();
  #applying: Promise<void> | null = null;
  /** Routes are put in force one after the other. */
  #swapping: Promise<void> = Promise.resolve();
  #retry: NodeJS.Timeout | null = null;
  /** Attempts at the routes of one version that failed one after the other. */
  #failures = 0;
  #heartbeat: NodeJS.Timeout | null = null;
  #settled = false;
  /** Endpoints whose routes are not in force yet: their champions answer alone, or they answer `endpoint_empty`. */
  readonly #awaited = new Set<string>();
  #restored: Promise<void> = Promise.resolve();

  private constructor(
    options: ReplicaOptions,
    client: ControlLink | null,
    loader: PackageLoader,
    logs: PredictionLogs,
  ) {
    const metrics = planeMetrics(options.metrics);
    this.id = options.id;
    this.#options = options;
    this.#client = client;
    this.#loader = loader;
    this.#logs = logs;
    this.#files = new KeptFiles(options.directory, options.logger);
    this.#setRoutesVersion = metrics.routesVersion;
    metrics.segments(() => ({ waiting: logs.waiting, damaged: logs.damaged }));
    this.plane = new Plane(logs, metrics);
    this.plane.onWithdrawn = () => {
      void this.#files.keepWithdrawn(() => this.plane.withdrawn);
      void this.#report();
    };
  }

  /**
   * Recovers the prediction log and begins to put the last known routes in force; control is followed from then on.
   * Until their models are loaded, the endpoints of these routes ask for their keys and answer `endpoint_empty`.
   */
  static async open(options: ReplicaOptions): Promise<Replica> {
    const { directory, controlUrl, id, logger, frames } = options;
    await mkdir(directory, { recursive: true });
    const client = controlUrl ? new ControlLink({ controlUrl, replicaId: id, logger }) : null;
    const away = () => Promise.reject(new Error('there is no control'));
    const logs = await PredictionLogs.open({
      directory: join(directory, 'log'),
      frames,
      logger,
      ship: (segment) => client?.shipSegment(segment) ?? away(),
      sendRows: async (endpoint, lines) => client?.sendRows(endpoint, lines),
      limits: options.segmentLimits ?? defaultLimits,
      ...options.log,
    });
    const blobs = await openDirectoryBlobs(join(directory, 'blobs'));
    const fetchBlob = (digest: Digest) => client?.part(digest) ?? away();
    const loader = new PackageLoader(blobs, fetchBlob, options.runtimes, logger);
    const replica = new Replica(options, client, loader, logs);
    const last = await replica.#files.routes();
    if (last) {
      replica.#highestVersion = last.highestVersion ?? last.version;
      // Control may be away, and its routes the same: what lost its traffic here does not get it back by a restart.
      for (const told of await replica.#files.withdrawn()) replica.plane.withdraw(told);
      replica.keyRing.set(last.keys ?? []);
      for (const route of last.endpoints) {
        replica.#awaited.add(route.endpoint);
        await replica.plane.swap({ ...route, arms: [], shadow: null }, loader.modelOf);
      }
      replica.#want(last);
      replica.#restored = replica.#restore(last);
      replica.#applying = replica.#restored;
    }
    // What control has taken an arm's traffic away for meanwhile is known before models of kept routes are loaded.
    replica.#follow();
    return replica;
  }

  /** Resolves when the last known routes are in force, each model warm or known to fail; at once without any. */
  get restored(): Promise<void> {
    return this.#restored;
  }

  /** True once routes are in force, from control or from the disk: every model is warm or known to fail. */
  get ready(): boolean {
    return this.#settled;
  }

  /** Where this replica answers, told to control. */
  announce(url: string): void {
    this.#url = url;
    if (this.#heartbeat) void this.#report();
  }

  /**
   * Puts a route table in force, as when control sends it. While models are loaded for an earlier one it is taken next,
   * but for what needs no loading: an arm that loses its traffic waits for nobody's model.
   */
  async applyRoutes(table: RouteTable): Promise<void> {
    this.#wanted = table;
    this.#want(table);
    if (this.#applying) await this.#applyLoaded(table);
    // It may have been taken meanwhile, and no later table would be if `#applying` were a promise that is over.
    if (this.#wanted) this.#applying ??= this.#applyWanted();
    await this.#applying;
  }

  /** Ships the log while control is there, stops following it and seals. What is not shipped is after the next start. */
  async close(): Promise<void> {
    if (this.#retry) clearTimeout(this.#retry);
    if (this.#heartbeat) clearInterval(this.#heartbeat);
    this.#isLeaving = true;
    const told = this.#client?.isConnected ? this.#report() : undefined;
    await this.plane.shadowsDrained();
    await told;
    if (this.#client?.isConnected) await this.#handOver();
    this.#client?.close();
    await this.#loader.close();
    await this.#logs.close();
    await this.#files.written;
  }

  /** The disk may go with the process: control gets what is still here, and is told so, unless that takes long. */
  async #handOver(): Promise<void> {
    const enough = new AbortController();
    const shipped = this.#logs.sealAndShip().then(() => this.#report());
    const late = sleep(handOverMs, undefined, { signal: enough.signal }).catch(() => undefined);
    await Promise.race([shipped, late]).catch((error) =>
      this.#options.logger.warn(
        { err: error },
        'the log was not handed over: it is shipped after the next start',
      ),
    );
    enough.abort();
    shipped.catch(() => undefined);
  }

  #follow(): void {
    const client = this.#client;
    if (!client) {
      if (!this.#applying) this.#settled = true;
      return;
    }
    this.#heartbeat = setInterval(() => void this.#report(), statusEveryMs);
    this.#heartbeat.unref();
    void client.follow({
      onConnected: () => this.#logs.controlIsBack(),
      onMessage: (message) => {
        if (message.type === 'routes') void this.applyRoutes(message.routes);
        if (message.type === 'seal') void this.#seal(message.token);
        if (message.type === 'ping') this.#logs.follow(message.follow ?? []);
      },
    });
    if (this.#url) void this.#report();
  }

  async #restore(last: RouteTable): Promise<void> {
    await this.#apply(last).catch((error) =>
      this.#options.logger.error({ err: error }, 'the last known routes are not taken'),
    );
    if (this.#isLeaving) return;
    this.#settled = true;
    await this.#applyWanted();
  }

  async #applyWanted(): Promise<void> {
    while (this.#wanted) {
      const table = this.#wanted;
      this.#wanted = null;
      await this.#apply(table).catch((error) =>
        this.#options.logger.error({ err: error }, 'routes not taken'),
      );
      this.#settled = true;
      await this.#report();
    }
    this.#applying = null;
  }

  async #apply(table: RouteTable): Promise<void> {
    if (this.#retry) clearTimeout(this.#retry);
    this.#errors.clear();
    if (table.version !== this.#routesVersion) this.#failures = 0;
    // Before the routes: an endpoint that begins to ask for keys knows them then.
    this.keyRing.set(table.keys ?? []);
    for (const { endpoint } of table.endpoints) {
      // A table that came while its models were loaded may have another route for it.
      for (let route = this.#missing(endpoint); route; route = this.#missing(endpoint))
        if (!(await this.#take(route))) break;
      // The log is being closed.
      if (this.#isLeaving) return;
    }
    this.#dropGone();
    this.#routesVersion = table.version;
    this.#highestVersion = Math.max(this.#highestVersion, table.version);
    this.#setRoutesVersion(table.version);
    await this.#keepRoutes();
    if (this.#errors.size === 0) await this.#loader.keepOnly(this.#inForce);
    else {
      const pauseMs = Math.min(retry.longestMs, retry.firstMs * 2 ** this.#failures++);
      this.#retry = setTimeout(() => void (this.#wanted ?? this.applyRoutes(this.#newest)), pauseMs).unref();
    }
  }

  /** Loads the models of a route and puts it in force; false: one of them cannot be loaded. */
  async #take(route: EndpointRoute): Promise<boolean> {
    const { endpoint, routeVersion } = route;
    try {
      await this.#loader.ensure(route);
      await this.#swap(route);
      return !this.#isLeaving;
    } catch (error) {
      if (this.#isLeaving) return false;
      if (this.#missing(endpoint) !== route) return true;
      const message = error instanceof MillraceError ? error.message : String(error);
      this.#errors.set(endpoint, message);
      const isNew = this.#awaited.has(endpoint) || !this.plane.routeOf(endpoint);
      const isAlone = isNew && (await this.#takeChampion(route));
      const instead = isAlone
        ? 'its champion has all traffic until it can be'
        : 'the one before stays in force';
      this.#options.logger.error({ endpoint, routeVersion, err: error }, `route not taken: ${instead}`);
      return false;
    }
  }

  /** Puts in force what of the newest table needs no model to be loaded. */
  async #applyLoaded({ endpoints, keys = [] }: RouteTable): Promise<void> {
    this.keyRing.set(keys);
    for (const { endpoint } of endpoints) {
      const route = this.#missing(endpoint);
      if (!route || !this.#loader.hasAll(route)) continue;
      await this.#swap(route).catch((error) =>
        this.#options.logger.warn({ endpoint, err: error }, 'route not taken yet: tried on'),
      );
    }
    this.#dropGone();
    await this.#keepRoutes();
    await this.#report();
  }

  /** Puts a route in force whose models are loaded, unless another one is wanted by now, or the log is being closed. */
  #swap(route: EndpointRoute): Promise<void> {
    const { endpoint } = route;
    const swapped = this.#swapping.then(async () => {
      if (this.#isLeaving || this.#missing(endpoint) !== route) return;
      await this.plane.swap(route, this.#loader.modelOf);
      this.#awaited.delete(endpoint);
      this.#errors.delete(endpoint);
    });
    this.#swapping = swapped.catch(() => undefined);
    return swapped;
  }

  #want(table: RouteTable): void {
    this.#newest = table;
    this.#routes = new Map(table.endpoints.map((route) => [route.endpoint, route]));
  }

  /** The newest route of an endpoint, unless it is in force. */
  #missing(endpoint: string): EndpointRoute | undefined {
    const route = this.#routes.get(endpoint);
    const inForce = this.#awaited.has(endpoint) ? undefined : this.plane.routeOf(endpoint);
    // Not by the version alone: a control restored from an older backup may give one that this replica knows another by.
    return isDeepStrictEqual(inForce, route) ? undefined : route;
  }

  #dropGone(): void {
    for (const { endpoint } of this.plane.endpoints.map((state) => state.route)) {
      if (this.#routes.has(endpoint)) continue;
      this.plane.drop(endpoint);
      this.#awaited.delete(endpoint);
    }
  }

  /**
   * An endpoint has no route yet, after a restart mostly, and something of its route cannot be loaded: a challenger on a
   * server that is away must not keep the champion from answering. Its rows are of no route of control's, so that they
   * count in no rollout. Returns whether the champion answers.
   */
  async #takeChampion(route: EndpointRoute): Promise<boolean> {
    const champion = route.arms.find((arm) => arm.arm === 'champion');
    if (!champion) return false;
    const alone = { ...route, routeVersion: 0, arms: [{ ...champion, weight: 1 }], shadow: null };
    try {
      await this.#loader.ensure(alone);
      if (this.#isLeaving || this.#missing(route.endpoint) !== route) return false;
      await this.plane.swap(alone, this.#loader.modelOf);
    } catch {
      // The champion is what cannot be loaded, of which the caller tells.
      return false;
    }
    this.#awaited.add(route.endpoint);
    return true;
  }

  /** Routes whose models are loaded. */
  get #inForce(): readonly EndpointRoute[] {
    const routes = this.plane.endpoints.map((state) => state.route);
    return routes.filter((route) => !this.#awaited.has(route.endpoint));
  }

  /** Which key it hashes with, where endpoints of it want that, and which those are; not told while it cannot be read. */
  get #logHashKey(): Pick<ReplicaStatus, 'logHashKey' | 'hashedEndpoints'> {
    const hashing = this.plane.endpoints.filter(({ route }) => route.options.log.hash.length > 0);
    const print = hashing.length > 0 ? this.#logs.hashKeyPrint : null;
    if (print === null) return {};
    return { logHashKey: print, hashedEndpoints: hashing.map(({ route }) => route.endpoint) };
  }

  async #seal(token: string): Promise<void> {
    try {
      await this.plane.shadowsDrained();
      await this.#logs.sealAndShip();
      await this.#report(token);
    } catch (error) {
      this.#options.logger.warn({ err: error, token }, 'the log could not be sealed');
    }
  }

  /**
   * A route in force as control is told of it. While control wants another one that has no later version, as after its
   * restore from an older backup, its number says nothing to it.
   */
  #told({ endpoint, routeVersion }: EndpointRoute): ReplicaStatus['endpoints'][number] {
    const wanted = this.#missing(endpoint);
    return { endpoint, routeVersion: wanted && wanted.routeVersion <= routeVersion ? 0 : routeVersion };
  }

  async #report(sealedToken?: string): Promise<void> {
    const damaged = await this.#logs.findDamaged();
    const nowMs = Date.now();
    const status: ReplicaStatus = {
      routesVersion: this.#routesVersion,
      highestVersion: this.#highestVersion,
      endpoints: this.#inForce.map((route) => this.#told(route)),
      models: [...this.#loader.models],
      segmentsWaiting: this.#logs.waiting,
      segmentsDamaged: damaged.length,
      damaged: damaged.slice(0, mostDamagedTold),
      shadowDropped: this.plane.shadowDropped,
      withdrawn: [...this.plane.withdrawn],
      lately: [...this.plane.lately.counts],
      clockMs: nowMs,
      ...(this.#heardMs === null ? {} : { heardMs: this.#heardMs }),
      ...this.#logHashKey,
      ...(this.#url ? { url: this.#url } : {}),
      ...(sealedToken ? { sealedToken } : {}),
      ...(this.#isLeaving ? { leaving: true } : {}),
    };
    for (const [endpoint, error] of this.#errors) {
      const entry = status.endpoints.find((e) => e.endpoint === endpoint);
      if (entry) entry.error = error;
      else status.endpoints.push({ endpoint, routeVersion: 0, error });
    }
    try {
      await this.#client?.postStatus(status);
      this.#unheard = null;
      this.#heardMs = nowMs;
    } catch (error) {
      // Of a control that is away the connection tells, and the next report says all that this one does.
      const problem = errorMessage(error);
      if (!this.#client?.isConnected || problem === this.#unheard) return;
      this.#unheard = problem;
      this.#options.logger.warn({ err: error }, 'control did not take the report of this replica; tried on');
    }
  }

  /** Keeps the routes that are in force, and those that wait for their models, for a start without control. */
  #keepRoutes(): Promise<void> {
    return this.#files.keepRoutes(() => {
      const awaited = this.#newest.endpoints.filter((route) => this.#awaited.has(route.endpoint));
      const endpoints = [...this.#inForce, ...awaited];
      return { ...this.#newest, endpoints, highestVersion: this.#highestVersion };
    });
  }
}

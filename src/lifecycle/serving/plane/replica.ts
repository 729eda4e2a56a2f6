import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { errorMessage } from '../../../core/error-message.ts';
import { MillraceError } from '../../../core/errors.ts';
import type { Digest } from '../../../core/json.ts';
import { openDirectoryBlobs } from '../../../platform/blobs/index.ts';
import type { Logger } from '../../../platform/log/index.ts';
import type { Registry } from '../../../platform/metrics/index.ts';
import type { RuntimeHosts } from '../../../platform/runtimes/index.ts';
import type { SegmentFrames } from '../../../platform/segments/index.ts';
import {
  type EndpointRoute,
  type ReplicaStatus,
  type RouteTable,
  routeTableSchema,
  type WithdrawnArm,
  withdrawnArmSchema,
} from '../contract.ts';
import { KeyRing } from '../keys/key-ring.ts';
import { ControlLink } from './control-link.ts';
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

/** What routes.json holds. */
const keptRoutesSchema = routeTableSchema.extend({ highestVersion: z.int().min(0).optional() });
type KeptRoutes = z.infer<typeof keptRoutesSchema>;

const defaultLimits = { maxRows: 50_000, maxSizeBytes: 32 * 1024 * 1024, maxAgeMs: 10_000 } as const;
/** Arms that lost their traffic here, in a replica's directory. */
const withdrawnFile = 'withdrawn.json';
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
  readonly #errors = new Map<string, string>();
  readonly #setRoutesVersion: (version: number) => void;
  #routesVersion = 0;
  /** The highest that it ever worked through: a control restored from an older backup sends lower ones. */
  #highestVersion = 0;
  /** What kept the last report from control; null: it was heard. */
  #unheard: string | null = null;
  /** Whether it was told to stop. */
  #isLeaving = false;
  #url: string | null = null;
  #withdrawnWritten: Promise<void> = Promise.resolve();
  #wanted: RouteTable | null = null;
  #applying: Promise<void> | null = null;
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
    this.#setRoutesVersion = metrics.routesVersion;
    metrics.segments(() => ({ waiting: logs.waiting, damaged: logs.damaged }));
    this.plane = new Plane(logs, metrics);
    this.plane.onWithdrawn = () => {
      // One after the other, as they write to one draft.
      this.#withdrawnWritten = this.#withdrawnWritten.then(() => this.#writeWithdrawn());
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
    const fetchBlob = (digest: Digest) => client?.blob(digest) ?? away();
    const loader = new PackageLoader(blobs, fetchBlob, options.runtimes, logger);
    const replica = new Replica(options, client, loader, logs);
    const last = await replica.#readRoutes();
    if (last) {
      replica.#highestVersion = last.highestVersion ?? last.version;
      // Control may be away, and its routes the same: what lost its traffic here does not get it back by a restart.
      for (const told of await replica.#readWithdrawn()) replica.plane.withdraw(told);
      replica.keyRing.set(last.keys ?? []);
      for (const route of last.endpoints) {
        replica.#awaited.add(route.endpoint);
        await replica.plane.swap({ ...route, arms: [], shadow: null }, loader.modelOf);
      }
      replica.#restored = replica.#restore(last);
      replica.#applying = replica.#restored;
    } else replica.#follow();
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

  /** Puts a route table in force, as when control sends it. A newer one that comes meanwhile is taken next. */
  async applyRoutes(table: RouteTable): Promise<void> {
    this.#wanted = table;
    this.#applying ??= this.#applyWanted();
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
    await this.#withdrawnWritten;
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
      this.#settled = true;
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
    this.#follow();
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
    const current = new Map(this.#inForce.map((route) => [route.endpoint, route]));
    for (const route of table.endpoints) {
      // Not by the version alone: a control restored from an older backup may give one that this replica knows another by.
      if (isDeepStrictEqual(current.get(route.endpoint), route)) continue;
      try {
        await this.#loader.ensure(route);
        // The log is being closed.
        if (this.#isLeaving) return;
        await this.plane.swap(route, this.#loader.modelOf);
        this.#awaited.delete(route.endpoint);
      } catch (error) {
        if (this.#isLeaving) return;
        const message = error instanceof MillraceError ? error.message : String(error);
        this.#errors.set(route.endpoint, message);
        const isAlone = !current.has(route.endpoint) && (await this.#takeChampion(route));
        const instead = isAlone
          ? 'its champion has all traffic until it can be'
          : 'the one before stays in force';
        this.#options.logger.error(
          { endpoint: route.endpoint, routeVersion: route.routeVersion, err: error },
          `route not taken: ${instead}`,
        );
      }
    }
    for (const { endpoint } of this.plane.endpoints.map((state) => state.route)) {
      if (table.endpoints.some((r) => r.endpoint === endpoint)) continue;
      this.plane.drop(endpoint);
      this.#awaited.delete(endpoint);
    }
    this.#routesVersion = table.version;
    this.#highestVersion = Math.max(this.#highestVersion, table.version);
    this.#setRoutesVersion(table.version);
    const inForce = this.#inForce;
    const awaited = table.endpoints.filter((route) => this.#awaited.has(route.endpoint));
    await this.#writeRoutes({ ...table, endpoints: [...inForce, ...awaited] });
    if (this.#errors.size === 0) await this.#loader.keepOnly(inForce);
    else {
      const pauseMs = Math.min(retry.longestMs, retry.firstMs * 2 ** this.#failures++);
      this.#retry = setTimeout(() => void (this.#wanted ?? this.applyRoutes(table)), pauseMs).unref();
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
      if (this.#isLeaving) return false;
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

  async #report(sealedToken?: string): Promise<void> {
    const damaged = await this.#logs.findDamaged();
    const status: ReplicaStatus = {
      routesVersion: this.#routesVersion,
      highestVersion: this.#highestVersion,
      endpoints: this.#inForce.map(({ endpoint, routeVersion }) => ({ endpoint, routeVersion })),
      models: [...this.#loader.models],
      segmentsWaiting: this.#logs.waiting,
      segmentsDamaged: damaged.length,
      damaged: damaged.slice(0, mostDamagedTold),
      shadowDropped: this.plane.shadowDropped,
      withdrawn: [...this.plane.withdrawn],
      lately: [...this.plane.lately.counts],
      clockMs: Date.now(),
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
    } catch (error) {
      // Of a control that is away the connection tells, and the next report says all that this one does.
      const problem = errorMessage(error);
      if (!this.#client?.isConnected || problem === this.#unheard) return;
      this.#unheard = problem;
      this.#options.logger.warn({ err: error }, 'control did not take the report of this replica; tried on');
    }
  }

  async #readRoutes(): Promise<KeptRoutes | null> {
    try {
      return keptRoutesSchema.parse(
        JSON.parse(await readFile(join(this.#options.directory, 'routes.json'), 'utf8')),
      );
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
        this.#options.logger.warn({ err: error }, 'routes.json cannot be read: waiting for control');
      }
      return null;
    }
  }

  async #readWithdrawn(): Promise<readonly WithdrawnArm[]> {
    try {
      const text = await readFile(join(this.#options.directory, withdrawnFile), 'utf8');
      return z.array(withdrawnArmSchema).parse(JSON.parse(text));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
        this.#options.logger.warn({ err: error }, `${withdrawnFile} cannot be read`);
      return [];
    }
  }

  async #writeWithdrawn(): Promise<void> {
    try {
      const path = join(this.#options.directory, withdrawnFile);
      await writeFile(`${path}.tmp`, JSON.stringify(this.plane.withdrawn), { flush: true });
      await rename(`${path}.tmp`, path);
    } catch (error) {
      this.#options.logger.warn(
        { err: error },
        `${withdrawnFile} could not be written: an arm that lost its traffic has it again after a restart without control`,
      );
    }
  }

  async #writeRoutes(table: RouteTable): Promise<void> {
    const path = join(this.#options.directory, 'routes.json');
    const kept: KeptRoutes = { ...table, highestVersion: this.#highestVersion };
    try {
      await writeFile(`${path}.tmp`, JSON.stringify(kept), { flush: true });
      await rename(`${path}.tmp`, path);
    } catch (error) {
      this.#options.logger.warn(
        { err: error },
        'routes.json could not be written: a restart without control serves older routes',
      );
    }
  }
}

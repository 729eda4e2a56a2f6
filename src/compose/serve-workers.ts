import cluster, { type Worker } from 'node:cluster';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type {
  GuardCounts,
  GuardedArmName,
  GuardPeers,
  ModelRepository,
  Plane,
  RepositoryEntry,
  WithdrawnArm,
} from '../lifecycle/serving/index.ts';
import { flagOf, type Settings } from '../platform/config/index.ts';
import {
  type LimitChannel,
  LimitHub,
  type LimitMember,
  type LimitSource,
  leasedLimits,
} from '../platform/limits/index.ts';
import type { Logger } from '../platform/log/index.ts';
import { Supervisor } from '../platform/supervisor/index.ts';
import { type HubMember, type LinkChannel, WorkerHub, WorkerLink } from '../platform/workers/index.ts';
import { endedAnswers, type HttpAnswer, type Peers } from '../surfaces/inference/index.ts';
import { type BegunRole, type RunningRole, stopLimitMs } from './role.ts';

/** Tells a process which one of those on the port it is: 0, 1, … */
const numberVariable = 'MILLRACE_SERVE_WORKER';
const readyPollMs = 25;
const marginMs = 500;

/** The number of this process among those that share a port; null when it is alone. */
export function workerNumber(): number | null {
  const value = process.env[numberVariable];
  return cluster.isWorker && value !== undefined ? Number(value) : null;
}

/**
 * Starts as many processes as are wanted, all on one port, and keeps them running: whichever is free takes a new
 * connection; one that ends is started again, and takes connections once its models are loaded where another's are.
 * Ready when all are.
 */
export async function startServeWorkers(
  settings: Settings,
  logger: Logger,
  begun: (role: BegunRole) => void,
): Promise<RunningRole> {
  // All accept from one queue: where the first process hands connections out, one that is killed takes some into limbo.
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  cluster.setupPrimary({ args: process.argv.slice(2), serialization: 'advanced' });
  const { promise: allReady, resolve: onAllReady } = Promise.withResolvers<string>();
  // What those that ended have counted stays in the sums.
  const kept = Object.entries(endedAnswers).map(([topic, ended]) => ({
    topic,
    keep: (before: unknown, last: unknown) => ended(before as HttpAnswer | undefined, last as HttpAnswer),
  }));
  const hub = new WorkerHub(settings.serveWorkers, onAllReady, kept);
  const limits = new LimitHub();
  const supervisor = new Supervisor(logger, ({ env }) => {
    const worker = cluster.fork(env);
    hub.add(worker as unknown as HubMember);
    limits.add(worker as unknown as LimitMember);
    return worker.process;
  });
  // Before the time of this process is up, which is as long.
  const stopMs = stopLimitMs('serve', settings) - marginMs;
  for (let number = 0; number < settings.serveWorkers; number++) {
    const env = { [numberVariable]: String(number) };
    const name = `serve worker ${number}`;
    supervisor.start({ name, command: process.execPath, args: [], env, stopMs });
  }
  const ended = supervisor.ended.then((exitCode) => process.exit(exitCode));
  const running: BegunRole = {
    stop() {
      releasePorts();
      return supervisor.stop();
    },
    kill: () => supervisor.kill(),
  };
  // Those that have loaded their models answer while the others do so.
  begun(running);
  const ready = await Promise.race([allReady, ended]);
  return { ...running, ready: `${ready} by ${settings.serveWorkers} processes` };
}

/**
 * Lets go of the ports that this process keeps for those that listen, so that a port closes with the last of them, which
 * takes the connections that wait first. Held until that one's notice came, it would let a few more in, and cut them off.
 * node:cluster lets go for a worker whose channel ends, and has no other way to say so; the channels stay open here.
 */
function releasePorts(): void {
  for (const worker of Object.values(cluster.workers ?? {}) as Worker[]) worker.process.emit('disconnect');
}

/** Says where the log of processes waits that there are no more, as after a start with fewer of them. */
export async function tellIdleLogs(serveDirectory: string, workers: number, logger: Logger): Promise<void> {
  // A folder that is not there, or cannot be read, has no log that anybody could be told of.
  const folders = await readdir(join(serveDirectory, 'workers')).catch(() => []);
  for (const folder of folders.filter((name) => Number(name) >= workers)) {
    const log = join(serveDirectory, 'workers', folder, 'log');
    const files = await readdir(log, { recursive: true, withFileTypes: true }).catch(() => []);
    const waiting = files.filter((file) => file.isFile()).length;
    if (waiting === 0) continue;
    const flag = `${flagOf('serveWorkers')} ${Number(folder) + 1}`;
    logger.warn(
      { log, waiting },
      `a part of the prediction log waits for its process: start once with ${flag}`,
    );
  }
}

/** What a process does for the others on its port. */
interface SharedWork {
  /** Answers a GET for itself alone. */
  readonly get: (path: string) => Promise<HttpAnswer>;
  readonly repository: ModelRepository | undefined;
  readonly plane: Plane;
}

/** A process among those on one port, as its own surfaces see the others. */
interface JoinedWorker {
  readonly peers: Peers;
  /** The repository of all: what is asked of it is done by each. */
  readonly repository: ModelRepository | undefined;
  readonly allReady: () => boolean;
  /** Limits of endpoints that hold for all. */
  readonly limits: LimitSource;
  /** Has another of them begun, with its models loaded? */
  othersServe(): Promise<boolean>;
  /** Takes part from now on: its models are loaded. */
  begin(url: string): void;
}

/**
 * Joins the processes on the port; what they were asked to load or unload, and arms that lost their traffic, are seen
 * to first. From then on its guards count with those of the others.
 */
export async function joinWorkers({ get, repository, plane }: SharedWork): Promise<JoinedWorker> {
  let begun = false;
  const link = await WorkerLink.join(process as unknown as LinkChannel, {
    ...Object.fromEntries(Object.keys(endedAnswers).map((path) => [path, () => get(path)])),
    begun: () => begun,
    index: () => repository?.index() ?? [],
    load: ({ name, override }: LoadPayload) => repository?.load(name, override),
    unload: ({ name, dependents }: UnloadPayload) => repository?.unload(name, dependents),
    'guard-counts': (arm: GuardedArmName) => plane.guardCounts(arm),
    'guard-withdrawn': (told: WithdrawnArm) => plane.withdraw(told),
  });
  plane.shareGuards(sharedGuards(link));
  return {
    peers: {
      async get(path) {
        return (await link.ask(path, null)) as readonly HttpAnswer[];
      },
    },
    repository: repository && sharedRepository(link, repository),
    allReady: () => link.allReady,
    limits: leasedLimits(process as unknown as LimitChannel),
    othersServe: async () => (await link.ask('begun', null)).includes(true),
    begin(url) {
      begun = true;
      link.tellReady(true, url);
    },
  };
}

/** Resolves when a condition holds, or after a while. */
export async function waitUntil(holds: () => boolean, limitMs: number): Promise<void> {
  const deadlineMs = performance.now() + limitMs;
  while (!holds() && performance.now() < deadlineMs) await sleep(readyPollMs);
}

interface LoadPayload {
  readonly name: string;
  readonly override: Parameters<ModelRepository['load']>[1];
}
interface UnloadPayload {
  readonly name: string;
  readonly dependents: boolean;
}

function sharedRepository(link: WorkerLink, own: ModelRepository): ModelRepository {
  const key = (name: string) => `model ${name}`;
  return {
    index: async () => together((await link.ask('index', null)) as readonly (readonly RepositoryEntry[])[]),
    config: (name, version) => own.config(name, version),
    async load(name, override) {
      await link.ask('load', { name, override } satisfies LoadPayload, key(name));
    },
    async unload(name, dependents) {
      await link.ask('unload', { name, dependents } satisfies UnloadPayload, key(name));
    },
  };
}

function sharedGuards(link: WorkerLink): GuardPeers {
  return {
    async together(arm) {
      const all = (await link.ask('guard-counts', arm)) as readonly (GuardCounts | null)[];
      const sum = (of: keyof GuardCounts) => all.reduce((total, counts) => total + (counts?.[of] ?? 0), 0);
      return {
        requests: sum('requests'),
        failed: sum('failed'),
        slow: sum('slow'),
        nonFinite: sum('nonFinite'),
      };
    },
    withdrawn(told) {
      // A process that does not take it is ending, and its successor is told.
      link.ask('guard-withdrawn', told, `guard ${told.endpoint} ${told.arm}`).catch(() => undefined);
    },
  };
}

/** A version is ready when it is in every process. */
function together(indexes: readonly (readonly RepositoryEntry[])[]): readonly RepositoryEntry[] {
  const entries = new Map<string, RepositoryEntry>();
  for (const entry of indexes.flat()) {
    const key = JSON.stringify([entry.name, entry.version]);
    const before = entries.get(key);
    if (!before || before.state === 'READY') entries.set(key, entry);
  }
  return [...entries.values()];
}

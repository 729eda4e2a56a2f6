import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '../core/errors.ts';
import { installedVersion } from '../core/installation.ts';
import {
  type ModelRepository,
  openReplica,
  openStandalone,
  type ServeReplica,
} from '../lifecycle/serving/index.ts';
import {
  bytesOf,
  type DataDirectory,
  dataDirectory,
  flagOf,
  lockDirectory,
  type Settings,
  variableOf,
} from '../platform/config/index.ts';
import { Frames } from '../platform/frames/index.ts';
import type { Logger } from '../platform/log/index.ts';
import { Registry } from '../platform/metrics/index.ts';
import { answerGet, InferenceServer, ServerSettings } from '../surfaces/inference/index.ts';
import { startGrpc } from './grpc.ts';
import { predictionLogOf } from './prediction-log.ts';
import { pythonHost, pythonSettings } from './python-host.ts';
import { replicaName } from './replica-name.ts';
import type { BegunRole, RunningRole } from './role.ts';
import { openServeOperations } from './serve-operations.ts';
import { joinWorkers, startServeWorkers, tellIdleLogs, waitUntil, workerNumber } from './serve-workers.ts';
import { controlUrlOf, reachable } from './urls.ts';

/** Sealing a segment of the log needs little, and predictions must keep the processor. */
const framesThreads = 1;
/** How long a process among several waits for routes before it counts as started without. */
const followMs = 10_000;

/** A data plane with what tells it its models. */
interface Side {
  readonly replica: ServeReplica;
  readonly repository?: ModelRepository;
  announce(url: string): void;
  /** Resolves when its models are loaded, or there is nothing to load for too long. */
  loaded(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Starts serve: puts the last known routes in force and follows control, or serves a folder of models without
 * control, and answers predictions. It listens before the models are loaded, as whoever looks whether it lives would
 * end it otherwise. Throws `port_taken`, `data_locked`, `repository_missing`.
 */
export async function startServe(
  settings: Settings,
  logger: Logger,
  begun: (role: BegunRole) => void,
): Promise<RunningRole> {
  const number = workerNumber();
  if (settings.serveWorkers > 1 && number === null) return startServeWorkers(settings, logger, begun);
  const directory = directoryOf(settings, number);
  if (!number) await tellIdleLogs(directory.serve, settings.serveWorkers, logger);
  const lock = lockDirectory(directory.serve, 'serve');
  const metrics = new Registry('serve');
  const frames = new Frames({
    temporaryDirectory: directory.temporary,
    memoryLimit: settings.framesMemory,
    threads: framesThreads,
    isBackground: true,
  });
  const version = installedVersion();
  const log = predictionLogOf(settings, directory);
  const parts = { directory: directory.serve, frames, logger, metrics, log };
  const side = await (settings.repository
    ? openRepository(settings.repository, settings, parts)
    : openFollower(settings, parts));
  const { repository, replica } = side;
  const own = {
    replica,
    metrics,
    logger,
    version,
    name: settings.serverName,
    errorDetail: settings.serveErrorDetail,
  };
  const get = (path: string) => answerGet(path, { ...own, ready: replica.ready });
  const joined = number === null ? null : await joinWorkers({ get, repository, plane: replica.plane });
  // A process that starts again gets no connection that it cannot answer yet and others can.
  if (await joined?.othersServe()) await side.loaded();
  const shared = joined?.repository ?? repository;
  const inference = {
    ...own,
    ...(shared ? { repository: shared } : {}),
    ...(joined ? { peers: joined.peers, replica: readyTogether(replica, joined.allReady) } : {}),
  };
  const operations = await openServeOperations(settings, process.env, side.replica, own, joined?.limits);
  const guarded = { ...inference, ...operations.options, settings: new ServerSettings() };
  const server = new InferenceServer(guarded);
  const setting = `${flagOf('servePort')} or ${variableOf('servePort')}`;
  const port = await server.listen(settings.host, settings.servePort, setting);
  const grpc = await startGrpc(settings, guarded);
  const url = `${operations.scheme}://${reachable(settings.host)}:${port}`;
  side.announce(url);
  if (joined) void side.loaded().then(() => joined.begin(url));
  return {
    ready: url,
    async stop() {
      await Promise.all([server.close(), grpc?.close()]);
      await operations.close();
      await side.close();
      await frames.close();
      lock.release();
    },
  };
}

/** Each of several processes on a port has a directory of its own; the first has the one of a process alone. */
function directoryOf(settings: Settings, number: number | null): DataDirectory {
  const directory = dataDirectory(settings.data);
  return number ? { ...directory, serve: join(directory.serve, 'workers', String(number)) } : directory;
}

/** A data plane that counts as ready when all processes on the port are. */
function readyTogether(replica: ServeReplica, allReady: () => boolean): ServeReplica {
  return {
    plane: replica.plane,
    get ready() {
      return replica.ready && allReady();
    },
  };
}

interface Parts {
  readonly directory: string;
  readonly frames: Frames;
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly log: ReturnType<typeof predictionLogOf>;
}

/** Control knows each of several processes as a replica of its own. */
async function replicaId({ replica, data }: Settings): Promise<string> {
  const name = replica ?? (await replicaName(dataDirectory(data).serve));
  const number = workerNumber();
  return number ? `${name}-${number}` : name;
}

async function openFollower(settings: Settings, parts: Parts): Promise<Side> {
  if (settings.serveKeys !== undefined) {
    const problem = `is for ${flagOf('repository')}: keys of a server that follows control are made there`;
    throw fail('config_invalid', { field: flagOf('serveKeys'), problem });
  }
  const replica = await openReplica({
    ...parts,
    id: await replicaId(settings),
    controlUrl: controlUrlOf(settings),
    runtimes: { python: pythonHost(settings, parts.logger) },
  });
  return {
    replica,
    announce: (url) => replica.announce(url),
    async loaded() {
      await replica.restored;
      await waitUntil(() => replica.ready, followMs);
    },
    close: () => replica.close(),
  };
}

async function openRepository(path: string, settings: Settings, parts: Parts): Promise<Side> {
  const facts = await stat(path).catch(() => null);
  if (!facts?.isDirectory()) throw fail('repository_missing', { path, setting: flagOf('repository') });
  const standalone = await openStandalone({
    ...parts,
    repository: path,
    pollMs: settings.repositoryPoll * 1000,
    loadOnly: settings.repositoryExplicit ? settings.repositoryLoad : null,
    keyFile: settings.serveKeys,
    python: { host: pythonHost(settings, parts.logger), settings: pythonSettings(settings) },
    keptLogBytes: bytesOf(settings.predictionLogKeep) / settings.serveWorkers,
  });
  return {
    replica: standalone,
    repository: standalone.repository,
    announce: () => undefined,
    loaded: () => waitUntil(() => standalone.ready, Number.POSITIVE_INFINITY),
    close: () => standalone.close(),
  };
}

import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '../core/errors.ts';
import { installationDirectory } from '../core/installation.ts';
import {
  type ModelRepository,
  openReplica,
  openStandalone,
  type ServeReplica,
} from '../lifecycle/serving/index.ts';
import {
  bytesOf,
  dataDirectory,
  flagOf,
  lockDirectory,
  type Settings,
  variableOf,
} from '../platform/config/index.ts';
import { Frames } from '../platform/frames/index.ts';
import type { Logger } from '../platform/log/index.ts';
import { createMetrics, type Registry } from '../platform/metrics/index.ts';
import { InferenceServer } from '../surfaces/inference/index.ts';
import { startGrpc } from './grpc.ts';
import { predictionLogOf } from './prediction-log.ts';
import type { RunningRole } from './role.ts';
import { controlUrlOf, reachable } from './urls.ts';

/** Sealing a segment of the log needs little, and predictions must keep the processor. */
const framesThreads = 1;
const packageFile = join(installationDirectory, 'package.json');

/** A data plane with what tells it its models. */
interface Side {
  readonly replica: ServeReplica;
  readonly repository?: ModelRepository;
  announce(url: string): void;
  close(): Promise<void>;
}

/**
 * Starts serve: puts the last known routes in force and follows control, or serves a folder of models without
 * control, and answers predictions. Throws `port_taken`, `data_locked`, `repository_missing`.
 */
export async function startServe(settings: Settings, logger: Logger): Promise<RunningRole> {
  const directory = dataDirectory(settings.data);
  const lock = lockDirectory(directory.serve, 'serve');
  const metrics = createMetrics('serve');
  const frames = new Frames({
    temporaryDirectory: directory.temporary,
    memoryLimit: settings.framesMemory,
    threads: framesThreads,
  });
  const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string };
  const log = predictionLogOf(settings, directory);
  const parts = { directory: directory.serve, frames, logger, metrics, log };
  const side = await (settings.repository
    ? openRepository(settings.repository, settings, parts)
    : openFollower(settings, parts));
  const { replica, repository } = side;
  const inference = {
    replica,
    metrics,
    logger,
    version,
    name: settings.serverName,
    ...(repository ? { repository } : {}),
  };
  const server = new InferenceServer(inference);
  const setting = `${flagOf('servePort')} or ${variableOf('servePort')}`;
  const port = await server.listen(settings.host, settings.servePort, setting);
  const grpc = await startGrpc(settings, inference);
  const url = `http://${reachable(settings.host)}:${port}`;
  side.announce(url);
  return {
    ready: url,
    async stop() {
      await Promise.all([server.close(), grpc?.close()]);
      await side.close();
      await frames.close();
      lock.release();
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

async function openFollower(settings: Settings, parts: Parts): Promise<Side> {
  const replica = await openReplica({ ...parts, id: settings.replica, controlUrl: controlUrlOf(settings) });
  return { replica, announce: (url) => replica.announce(url), close: () => replica.close() };
}

async function openRepository(path: string, settings: Settings, parts: Parts): Promise<Side> {
  const facts = await stat(path).catch(() => null);
  if (!facts?.isDirectory()) throw fail('repository_missing', { path, setting: flagOf('repository') });
  const standalone = await openStandalone({
    ...parts,
    repository: path,
    pollMs: settings.repositoryPoll * 1000,
    loadOnly: settings.repositoryExplicit ? settings.repositoryLoad : null,
    keptLogBytes: bytesOf(settings.predictionLogKeep),
  });
  return {
    replica: standalone,
    repository: standalone.repository,
    announce: () => undefined,
    close: () => standalone.close(),
  };
}

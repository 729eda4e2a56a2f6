import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { installationDirectory } from '../core/installation.ts';
import { openReplica } from '../lifecycle/serving/index.ts';
import { dataDirectory, flagOf, lockDirectory, type Settings, variableOf } from '../platform/config/index.ts';
import { Frames } from '../platform/frames/index.ts';
import type { Logger } from '../platform/log/index.ts';
import { createMetrics } from '../platform/metrics/index.ts';
import { InferenceServer } from '../surfaces/inference/index.ts';
import { startGrpc } from './grpc.ts';
import type { RunningRole } from './role.ts';
import { controlUrlOf, reachable } from './urls.ts';

/** Sealing a segment of the log needs little, and predictions must keep the processor. */
const framesThreads = 1;
const packageFile = join(installationDirectory, 'package.json');

/** Starts serve: puts the last known routes in force, follows control, and answers predictions. */
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
  const replica = await openReplica({
    id: settings.replica,
    directory: directory.serve,
    controlUrl: controlUrlOf(settings),
    frames,
    logger,
    metrics,
  });
  const inference = { replica, metrics, logger, version };
  const server = new InferenceServer(inference);
  const setting = `${flagOf('servePort')} or ${variableOf('servePort')}`;
  const port = await server.listen(settings.host, settings.servePort, setting);
  const grpc = await startGrpc(settings, inference);
  const url = `http://${reachable(settings.host)}:${port}`;
  replica.announce(url);
  return {
    ready: url,
    async stop() {
      await Promise.all([server.close(), grpc?.close()]);
      await replica.close();
      await frames.close();
      lock.release();
    },
  };
}

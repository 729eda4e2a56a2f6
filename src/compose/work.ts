import { join } from 'node:path';
import { uuidv7 } from '../core/ids.ts';
import { ControlBlobs, HttpJobQueue, StepRunner } from '../lifecycle/pipelines/index.ts';
import { openDirectoryBlobs } from '../platform/blobs/index.ts';
import { ControlClient } from '../platform/client/index.ts';
import { dataDirectory, lockDirectory, type Settings } from '../platform/config/index.ts';
import { Attempts } from '../platform/executors/local/index.ts';
import { Frames } from '../platform/frames/index.ts';
import type { Logger } from '../platform/log/index.ts';
import type { RunningRole } from './role.ts';
import { workerStepKinds } from './step-kinds.ts';
import { controlUrlOf } from './urls.ts';

const framesThreads = 2;
/** Steps at the same time: one that trains, and one that need not wait for it. */
const slots = 2;

/** Starts work: leases steps from control over HTTP and runs them. */
export async function startWork(settings: Settings, log: Logger): Promise<RunningRole> {
  const directory = dataDirectory(settings.data);
  const lock = lockDirectory(directory.work, 'work');
  const controlUrl = controlUrlOf(settings);
  const client = new ControlClient(controlUrl);
  const frames = new Frames({
    temporaryDirectory: directory.temporary,
    memoryLimit: settings.framesMemory,
    threads: framesThreads,
  });
  const runner = new StepRunner({
    queue: new HttpJobQueue(client),
    kinds: workerStepKinds(settings, log),
    worker: `${settings.worker}/${uuidv7()}`,
    attempts: new Attempts(join(directory.work, 'attempts')),
    blobs: new ControlBlobs(client, await openDirectoryBlobs(join(directory.work, 'blobs'))),
    frames,
    controlUrl,
    slots,
    log,
  });
  await runner.start();
  return {
    ready: `worker ${settings.worker}, asks ${controlUrl} for steps`,
    async stop() {
      await runner.stop();
      await frames.close();
      lock.release();
    },
  };
}

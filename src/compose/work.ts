import { join } from 'node:path';
import { uuidv7 } from '../core/ids.ts';
import { wallClock } from '../core/time.ts';
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
/** How often copies of blobs that nothing uses are dropped. */
const tidyMs = 600_000;

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
  const copies = await openDirectoryBlobs(join(directory.work, 'blobs'));
  const blobs = new ControlBlobs(client, copies, wallClock);
  const tidy = () => {
    blobs.tidy().catch((error: unknown) => log.warn({ err: error }, 'copies of blobs: to be dropped later'));
  };
  tidy();
  const tidying = setInterval(tidy, tidyMs).unref();
  const runner = new StepRunner({
    queue: new HttpJobQueue(client),
    kinds: workerStepKinds(settings, log),
    worker: `${settings.worker}/${uuidv7()}`,
    attempts: new Attempts(join(directory.work, 'attempts')),
    blobs,
    holdBlobs: () => blobs.hold(),
    frames,
    controlUrl,
    slots,
    log,
  });
  await runner.start();
  return {
    ready: `worker ${settings.worker}, asks ${controlUrl} for steps`,
    async stop() {
      clearInterval(tidying);
      await runner.stop();
      await frames.close();
      lock.release();
    },
  };
}

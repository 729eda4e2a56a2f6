import type { ReplayPorts } from '../lifecycle/feedback/index.ts';
import type { Pipelines } from '../lifecycle/pipelines/index.ts';
import type { BatchService } from '../lifecycle/serving/index.ts';
import { systemActor as system } from '../platform/access/index.ts';
import { deleteUnused } from '../platform/blobs/index.ts';
import { undefinedIfMissing } from './batch-ports.ts';
import type { LoopSlices } from './loop-slices.ts';
import { packagedVersion } from './packaged-version.ts';

/**
 * The other parts' front doors as replays need them.
 *
 * @param batches keeps the parts of replays too
 */
export function createReplayPorts(
  { db, blobs, registry, serving }: Pick<LoopSlices, 'db' | 'blobs' | 'registry' | 'serving'>,
  pipelines: Pipelines,
  batches: BatchService,
): ReplayPorts {
  return {
    start: (tx, step) => pipelines.start(tx, step),
    stepRun: (id) => pipelines.get(system, id).catch(undefinedIfMissing),
    stepRuns: (page) => pipelines.list(system, { kind: 'replay', ...page }),
    cancel: (tx, id, reason) => pipelines.cancelIn(tx, id, reason),
    remove: async (tx, id) => {
      await pipelines.removeIn(tx, id);
      await batches.removeParts(tx, id);
    },
    putOutputs: (tx, id, outputs) => pipelines.putOutputs(tx, id, outputs),
    deleteUnused: (digests) => deleteUnused({ db, blobs }, digests, Date.now()),
    progress: (ids) => batches.progress(system, ids),
    parts: async (id) => (await batches.parts(system, id)).map(({ digest }) => digest),
    modelOf: async (endpoint) => (await serving.endpoint(system, endpoint)).model,
    packageOf: async (model, version) => (await packagedVersion(registry, model, version)).digest,
    sealed: async () => {
      await serving.sealPredictions();
    },
  };
}

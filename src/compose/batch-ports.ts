import { MillraceError } from '../core/errors.ts';
import type { Pipelines } from '../lifecycle/pipelines/index.ts';
import { type BatchPorts, requireFeatures } from '../lifecycle/serving/index.ts';
import { systemActor as system } from '../platform/access/index.ts';
import { deleteUnused } from '../platform/blobs/index.ts';
import type { LoopSlices } from './loop-slices.ts';
import { packagedVersion } from './packaged-version.ts';

/** The other parts' front doors as batch predictions need them. */
export function createBatchPorts(
  slices: LoopSlices,
  pipelines: Pipelines,
  logHashKey: () => string,
): BatchPorts {
  const { db, blobs, registry, serving, data, feedback } = slices;
  return {
    start: (tx, step) => pipelines.start(tx, step),
    stepRun: (id) => pipelines.get(system, id).catch(undefinedIfMissing),
    stepRuns: ({ limit, afterId }) => pipelines.list(system, { kind: 'batch-predict', limit, afterId }),
    cancel: (tx, id, reason) => pipelines.cancelIn(tx, id, reason),
    remove: async (tx, id) => {
      await pipelines.removeIn(tx, id);
      await feedback.windows.remove(tx, id);
    },
    deleteUnused: (digests) => deleteUnused({ db, blobs }, digests, Date.now()),
    holdRunning: (tx, id) => pipelines.holdRunning(tx, id),
    noteProgress: (tx, id) => pipelines.noteProgress(tx, id),
    endpoint: (name) => serving.endpoint(system, name),
    packageOf: async (model, version) => (await packagedVersion(registry, model, version)).digest,
    dataset: async (id) => {
      const { digest, dataset, version } = await data.version(system, id);
      return { digest, name: `${dataset} v${version}` };
    },
    requireLogged: (window) => feedback.windows.requireLogged(window, () => serving.sealPredictions()),
    window: async (stepId, window, packageDigest) => {
      const { endpoint } = window;
      const { redact } = (await serving.endpoint(system, endpoint)).options.log;
      const found = await feedback.windows.of(stepId, window, {
        sealed: () => serving.sealPredictions(),
        check: ({ features }) =>
          requireFeatures(blobs, packageDigest, endpoint, { ...features, redacted: redact }),
      });
      return found?.digest ?? null;
    },
    windowsOf: async (stepIds) => {
      const windows = await feedback.windows.find(stepIds);
      return new Map([...windows].map(([id, { digest }]) => [id, digest]));
    },
    logHashKey,
    registerSegment: async (segment, along) => {
      await feedback.registerSegment(system, segment, along);
    },
  };
}

/** For what may not be there. */
export function undefinedIfMissing(error: unknown): undefined {
  if (error instanceof MillraceError && error.code === 'not_found') return undefined;
  throw error;
}

import { MillraceError } from '../core/errors.ts';
import type { Pipelines } from '../lifecycle/pipelines/index.ts';
import type { BatchPorts } from '../lifecycle/serving/index.ts';
import { systemActor as system } from '../platform/access/index.ts';
import type { LoopSlices } from './loop-slices.ts';
import { packagedVersion } from './packaged-version.ts';

/** The other parts' front doors as batch predictions need them. */
export function createBatchPorts(
  slices: LoopSlices,
  pipelines: Pipelines,
  logHashKey: () => string,
): BatchPorts {
  const { registry, serving, data, feedback } = slices;
  return {
    start: (tx, step) => pipelines.start(tx, step),
    stepRun: (id) => pipelines.get(system, id).catch(undefinedIfMissing),
    stepRuns: ({ limit, afterId }) => pipelines.list(system, { kind: 'batch-predict', limit, afterId }),
    cancel: (tx, id, reason) => pipelines.cancelIn(tx, id, reason),
    holdRunning: (tx, id) => pipelines.holdRunning(tx, id),
    endpoint: (name) => serving.endpoint(system, name),
    packageOf: async (model, version) => (await packagedVersion(registry, model, version)).digest,
    dataset: async (id) => {
      const { digest, dataset, version } = await data.version(system, id);
      return { digest, name: `${dataset} v${version}` };
    },
    window: async (endpoint, fromMs, toMs) => {
      await serving.sealPredictions();
      const { digest, features } = await feedback.storeWindow(system, { endpoint, fromMs, toMs });
      const { redact } = (await serving.endpoint(system, endpoint)).options.log;
      return { digest, features: { ...features, redacted: redact } };
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

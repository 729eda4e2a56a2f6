import type { ReplayPorts } from '../lifecycle/feedback/index.ts';
import type { Pipelines } from '../lifecycle/pipelines/index.ts';
import { systemActor as system } from '../platform/access/index.ts';
import type { LoopSlices } from './loop-slices.ts';
import { packagedVersion } from './packaged-version.ts';

/** The other parts' front doors as replays need them. */
export function createReplayPorts(
  { registry, serving }: Pick<LoopSlices, 'registry' | 'serving'>,
  pipelines: Pipelines,
): ReplayPorts {
  return {
    start: (tx, step) => pipelines.start(tx, step),
    stepRun: (id) => pipelines.get(system, id),
    stepRuns: (limit) => pipelines.list(system, { kind: 'replay', limit, afterId: undefined }),
    modelOf: async (endpoint) => (await serving.endpoint(system, endpoint)).model,
    packageOf: async (model, version) => (await packagedVersion(registry, model, version)).digest,
    sealed: async () => {
      await serving.sealPredictions();
    },
  };
}

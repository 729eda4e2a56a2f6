import type { BlobStore } from '../platform/blobs/index.ts';
import { type EngineDeps, LoopEngine } from './engine/loop-engine.ts';
import { LoopService } from './loop-service.ts';
import { TurnService } from './turn-service.ts';

export { ClockSteps, machineBoot, machineMs } from './clock-steps.ts';
export * from './contract.ts';
export { type DeploymentPorts, DeploymentService } from './deployment-service.ts';
export { endpointUse } from './endpoint-use.ts';
export type { EngineDeps } from './engine/loop-engine.ts';
export { parseLoopFile } from './file/parse-loop-file.ts';
export { loopMigrations } from './migrations.ts';
export type {
  DeployTarget,
  EvaluateRequest,
  Judgement,
  LoggedModel,
  LoopPorts,
  NewVersion,
  OpenAlert,
  PackagedVersion,
  SplitOptions,
} from './ports.ts';
export { behindText } from './rollouts/behind-text.ts';
export { RolloutWatch } from './rollouts/live/rollout-watch.ts';
export { RolloutEngine } from './rollouts/rollout-engine.ts';
export { RolloutService } from './rollouts/rollout-service.ts';
export type { RolloutDeps } from './rollouts/rollout-writer.ts';
export { rolloutRoutes } from './rollouts/routes.ts';
export { loopRoutes } from './routes.ts';
export { deployStep } from './steps/deploy.ts';
export { prepareDataStep } from './steps/prepare-data.ts';
export { observe, type RolloutLog } from './verdict/observe.ts';

/** The loop's engine with the two services through which people and programs reach it. */
export function createLoop(deps: EngineDeps, blobs: BlobStore) {
  const engine = new LoopEngine(deps);
  return {
    engine,
    loops: new LoopService(deps, engine, blobs),
    turns: new TurnService(deps, engine),
  };
}

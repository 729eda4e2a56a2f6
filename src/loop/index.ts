import type { BlobStore } from '../platform/blobs/index.ts';
import { type EngineDeps, LoopEngine } from './engine/LoopEngine.ts';
import { LoopService } from './LoopService.ts';
import { TurnService } from './TurnService.ts';

export * from './contract.ts';
export { type DeploymentPorts, DeploymentService } from './DeploymentService.ts';
export type { EngineDeps } from './engine/LoopEngine.ts';
export { parseLoopFile } from './file/parseLoopFile.ts';
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
export { RolloutEngine } from './rollouts/RolloutEngine.ts';
export { RolloutService } from './rollouts/RolloutService.ts';
export type { RolloutDeps } from './rollouts/RolloutWriter.ts';
export { rolloutRoutes } from './rollouts/routes.ts';
export { loopRoutes } from './routes.ts';
export { deployStep } from './steps/deploy.ts';
export { prepareDataStep } from './steps/prepareData.ts';
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

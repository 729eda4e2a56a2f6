export { ControlBlobs } from './ControlBlobs.ts';
export * from './contract.ts';
export { HttpJobQueue } from './HttpJobQueue.ts';
export type { JobQueue } from './job-queue.ts';
export { pipelinesMigrations } from './migrations.ts';
export { pipelinesRoutes } from './routes.ts';
export { type RunnerDeps, StepRunner } from './runner.ts';
export { type NewStep, Pipelines } from './service.ts';
export {
  type TrainInputs,
  type TrainOutputs,
  trainInputsSchema,
  trainOutputsSchema,
} from './train/contract.ts';
export { findPython } from './train/findPython.ts';
export { trainStep } from './train/trainStep.ts';

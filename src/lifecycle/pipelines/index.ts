export * from './contract.ts';
export { ControlBlobs } from './control-blobs.ts';
export { HttpJobQueue } from './http-job-queue.ts';
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
export { findPython } from './train/find-python.ts';
export { trainStep } from './train/train-step.ts';

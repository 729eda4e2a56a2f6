export { ControlBlobs } from './ControlBlobs.ts';
export * from './contract.ts';
export { HttpJobQueue } from './HttpJobQueue.ts';
export type { JobQueue } from './job-queue.ts';
export { pipelinesMigrations } from './migrations.ts';
export { pipelinesRoutes } from './routes.ts';
export { type RunnerDeps, StepRunner } from './runner.ts';
export { type NewStep, Pipelines } from './service.ts';

export { type BatchPorts, BatchService, type BatchStepRun } from './batch/batch-service.ts';
export * from './batch/contract.ts';
export { batchRoutes } from './batch/routes.ts';
export type { LoadOverride, ModelRepository, RepositoryEntry } from './contract/model-repository.ts';
export * from './contract.ts';
export { batchStep, packageInputsSchema, packageOutputsSchema, packageStep } from './jobs.ts';
export { servingMigrations } from './migrations.ts';
export type { EndpointState, ServedArm } from './plane/endpoint-state.ts';
export type { DurationSum, ModelStatistics } from './plane/model-statistics.ts';
export type { Plane } from './plane/plane.ts';
export type { Replica as ServeReplica, ReplicaOptions } from './plane/replica.ts';
export type { PredictReply, PredictRequest, ReplyOutput, RequestTensor } from './plane/request.ts';
export { servingRoutes } from './routes.ts';
export { ServingService, type ServingServiceOptions } from './service.ts';

import type { ReplicaOptions, Replica as ServeReplica } from './plane/replica.ts';

/** Opens the serve role. Loaded on demand: control must not carry the inference runtime. */
export async function openReplica(options: ReplicaOptions): Promise<ServeReplica> {
  const { Replica } = await import('./plane/replica.ts');
  return Replica.open(options);
}

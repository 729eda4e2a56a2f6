export { type BatchPorts, BatchService, type BatchStepRun } from './batch/batch-service.ts';
export * from './batch/contract.ts';
export { type LoggedFeatures, requireFeatures } from './batch/require-features.ts';
export { batchRoutes } from './batch/routes.ts';
export type { LoadOverride, ModelRepository, RepositoryEntry } from './contract/model-repository.ts';
export * from './contract.ts';
export { batchStep, packageInputsSchema, packageOutputsSchema, packageStep, runBatchStep } from './jobs.ts';
export * from './keys/contract.ts';
export { createKeyInFile, keysOfFile, revokeKeyInFile } from './keys/key-file.ts';
export { digestOfKey, KeyRing } from './keys/key-ring.ts';
export { KeyService } from './keys/key-service.ts';
export { keyRoutes } from './keys/routes.ts';
export { servingMigrations } from './migrations.ts';
export * from './packages/contract.ts';
export { PackageService } from './packages/package-service.ts';
export { RemoteSecrets } from './packages/remote-secrets.ts';
export { packageRoutes } from './packages/routes.ts';
export type { EndpointState, ServedArm } from './plane/endpoint-state.ts';
export { entityForms, entityInLog, hashKeyPrint } from './plane/log-policy.ts';
export {
  type BatchStatistics,
  type DurationSum,
  type ModelStatistics,
  partBoundsMs,
} from './plane/model-statistics.ts';
export type { GuardedArmName, GuardPeers, Plane } from './plane/plane.ts';
export type { StreamedPiece, StreamPieces } from './plane/plane-streams.ts';
export type { Replica as ControlledReplica, ReplicaOptions } from './plane/replica.ts';
export type { PredictReply, PredictRequest, ReplyOutput, RequestTensor } from './plane/request.ts';
export type { Standalone, StandaloneOptions } from './repository/standalone.ts';
export { servingRoutes } from './routes.ts';
export { ServingService, type ServingServiceOptions } from './service.ts';

import type { Replica, ReplicaOptions } from './plane/replica.ts';
import type { Standalone, StandaloneOptions } from './repository/standalone.ts';

/** What surfaces of the serve role speak for: a data plane, whoever tells it its models. */
export type ServeReplica = Pick<Replica, 'plane' | 'ready'> & Partial<Pick<Replica, 'keyRing'>>;

/** Opens the serve role. Loaded on demand: control must not carry the inference runtime. */
export async function openReplica(options: ReplicaOptions): Promise<Replica> {
  const { Replica } = await import('./plane/replica.ts');
  return Replica.open(options);
}

/** Opens the serve role without control, on a folder of models. */
export async function openStandalone(options: StandaloneOptions): Promise<Standalone> {
  const { Standalone } = await import('./repository/standalone.ts');
  return Standalone.open(options);
}

export * from './contract.ts';
export type { EndpointState, ServedArm } from './plane/endpoint-state.ts';
export type { Plane } from './plane/plane.ts';
export type { Replica, ReplicaOptions } from './plane/replica.ts';
export type { PredictReply, PredictRequest, ReplyOutput, RequestTensor } from './plane/request.ts';

import type { Replica, ReplicaOptions } from './plane/replica.ts';

/** Opens the serve role. Loaded on demand: control must not carry the inference runtime. */
export async function openReplica(options: ReplicaOptions): Promise<Replica> {
  const { Replica: Class } = await import('./plane/replica.ts');
  return Class.open(options);
}

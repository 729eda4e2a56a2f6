export { Admission, keyOf } from './admission.ts';
export { BodyRoom } from './body-room.ts';
export { defaultHttpLimits, type HttpLimits } from './http/limits.ts';
export { TlsFiles } from './http/tls-files.ts';
export { InferenceServer, type InferenceServerOptions } from './server.ts';
export { ServerSettings } from './server-settings.ts';

import type { GrpcServer } from './grpc/server.ts';
import type { InferenceServerOptions } from './server.ts';

/** The gRPC server of the serve role; see GrpcServer. Loaded on demand: most replicas speak HTTP only. */
export async function createGrpcServer(options: InferenceServerOptions): Promise<GrpcServer> {
  const grpc = await import('./grpc/open.ts');
  return grpc.createGrpcServer(options);
}
export { answerGet } from './get-routes.ts';
export type { HttpAnswer } from './http/answer.ts';
export { endedAnswers, type Peers } from './peers.ts';

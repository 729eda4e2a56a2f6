import type { TestContext } from 'node:test';
import type { ServeReplica } from '../../src/lifecycle/serving/index.ts';
import { createLogger } from '../../src/platform/log/index.ts';
import { Registry } from '../../src/platform/metrics/index.ts';
import { createGrpcServer } from '../../src/surfaces/inference/grpc/open.ts';
import type { GrpcServer } from '../../src/surfaces/inference/grpc/server.ts';
import type { InferenceServerOptions } from '../../src/surfaces/inference/index.ts';
import { freePorts } from './ports.ts';
import { startTestServing, type TestServing } from './serving.ts';

interface TestGrpc extends TestServing {
  readonly grpc: GrpcServer;
  /** `127.0.0.1:<port>`, on which it may be started again. */
  readonly grpcAddress: string;
}

/** A gRPC server of a replica; it does not listen yet. */
export function testGrpcServer(
  replica: ServeReplica,
  options: Partial<InferenceServerOptions> = {},
): GrpcServer {
  return createGrpcServer({
    replica,
    metrics: new Registry('serve'),
    logger: createLogger('serve', 'silent'),
    version: '0.0.0',
    ...options,
  });
}

/** A replica that answers over HTTP and gRPC. */
export async function startTestGrpc(
  t: TestContext,
  options: Partial<InferenceServerOptions> = {},
): Promise<TestGrpc> {
  const serving = await startTestServing(t);
  const grpc = testGrpcServer(serving.replica, options);
  const [own = 0] = await freePorts(1);
  const port = await grpc.listen('127.0.0.1', own, '--grpc-port');
  t.after(() => grpc.close());
  return { ...serving, grpc, grpcAddress: `127.0.0.1:${port}` };
}

import { flagOf, type Settings, variableOf } from '../platform/config/index.ts';
import { createGrpcServer, type InferenceServerOptions } from '../surfaces/inference/index.ts';

interface RunningGrpc {
  readonly port: number;
  /** Tells callers, answers what is under way, and returns when all of it is answered. */
  close(): Promise<void>;
}

/** Starts gRPC beside HTTP; null when no port is set for it. Throws `port_taken`. */
export async function startGrpc(
  settings: Settings,
  options: InferenceServerOptions,
): Promise<RunningGrpc | null> {
  if (settings.grpcPort === undefined) return null;
  const server = await createGrpcServer(options);
  const setting = `${flagOf('grpcPort')} or ${variableOf('grpcPort')}`;
  const port = await server.listen(settings.host, settings.grpcPort, setting);
  options.logger.info({ port }, 'gRPC is answered');
  return { port, close: () => server.close() };
}

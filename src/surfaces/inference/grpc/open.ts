import type { InferenceServerOptions } from '../server.ts';
import { healthHandlers, healthService } from './health.ts';
import { inferenceHandlers, inferenceService } from './inference-service.ts';
import { readProto } from './messages.ts';
import { type Methods, methodsOf } from './methods.ts';
import { reflectionHandlers, reflectionServices } from './reflection.ts';
import { restAnswers } from './rest-answers.ts';
import { GrpcServer } from './server.ts';

/** What MLServer's clients call the service that loads models; its messages are those of the inference service. */
const repositoryService = 'inference.model_repository.ModelRepositoryService';

const defaultLimitBytes = 64 * 1024 * 1024;

/** The gRPC server of the serve role: inference, health checking and reflection. It does not listen yet. */
export function createGrpcServer(options: InferenceServerOptions): GrpcServer {
  const limitBytes = options.bodyLimitBytes ?? options.http?.bodyBytes ?? defaultLimitBytes;
  return new GrpcServer({
    methods: allMethods(options, limitBytes),
    logger: options.logger,
    limitBytes,
    ...(options.http?.requestTimeoutMs === undefined
      ? {}
      : { requestTimeoutMs: options.http.requestTimeoutMs }),
    ...(options.tls ? { tls: options.tls } : {}),
    ...(options.room ? { room: options.room } : {}),
    ...(options.bodyRoom ? { bodyRoom: options.bodyRoom } : {}),
  });
}

function allMethods(options: InferenceServerOptions, limitBytes: number): Methods {
  const inference = readProto('inference');
  const services = [inferenceService, healthService, ...reflectionServices];
  const reflection = reflectionHandlers(services);
  const [v1, v1alpha] = reflectionServices;
  const handlers = inferenceHandlers(inference, options, restAnswers(options, limitBytes));
  const methods = methodsOf(inference, inferenceService, handlers);
  return new Map([
    ...methods,
    ...methods
      .filter(([path]) => path.includes('/Repository'))
      .map(([path, method]) => [path.replace(inferenceService, repositoryService), method] as const),
    ...methodsOf(readProto('grpc.health.v1'), healthService, healthHandlers(options.replica)),
    ...methodsOf(readProto('grpc.reflection.v1'), v1, reflection),
    ...methodsOf(readProto('grpc.reflection.v1alpha'), v1alpha, reflection),
  ]);
}

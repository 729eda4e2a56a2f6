import type { InferenceServerOptions } from '../server.ts';
import { healthHandlers, healthService } from './health.ts';
import { inferenceHandlers, inferenceService } from './inference-service.ts';
import { readProto } from './messages.ts';
import { type Methods, methodsOf } from './methods.ts';
import { reflectionHandlers, reflectionServices } from './reflection.ts';
import { restAnswers } from './rest-answers.ts';
import { GrpcServer } from './server.ts';

const defaultLimitBytes = 64 * 1024 * 1024;

/** The gRPC server of the serve role: inference, health checking and reflection. It does not listen yet. */
export function createGrpcServer(options: InferenceServerOptions): GrpcServer {
  const limitBytes = options.bodyLimitBytes ?? options.http?.bodyBytes ?? defaultLimitBytes;
  return new GrpcServer({
    methods: allMethods(options, limitBytes),
    logger: options.logger,
    limitBytes,
    ...(options.tls ? { tls: options.tls } : {}),
  });
}

function allMethods(options: InferenceServerOptions, limitBytes: number): Methods {
  const inference = readProto('inference');
  const services = [inferenceService, healthService, ...reflectionServices];
  const reflection = reflectionHandlers(services);
  const [v1, v1alpha] = reflectionServices;
  return new Map([
    ...methodsOf(
      inference,
      inferenceService,
      inferenceHandlers(inference, options, restAnswers(options, limitBytes)),
    ),
    ...methodsOf(readProto('grpc.health.v1'), healthService, healthHandlers(options.replica)),
    ...methodsOf(readProto('grpc.reflection.v1'), v1, reflection),
    ...methodsOf(readProto('grpc.reflection.v1alpha'), v1alpha, reflection),
  ]);
}

import type protobuf from 'protobufjs';
import { fail, MillraceError } from '../../../core/errors.ts';
import type { KeyAction } from '../../../lifecycle/serving/index.ts';
import { Admission, type Leave } from '../admission.ts';
import { withoutPayload } from '../http/error-answer.ts';
import { isModelReady } from '../oip/metadata.ts';
import { refusalCounter } from '../refusal-counter.ts';
import type { InferenceServerOptions } from '../server.ts';
import { spanOf } from './call-span.ts';
import { modelInfer, modelPieces } from './infer.ts';
import type { ModelInferRequest, ModelInferResponse } from './infer-messages.ts';
import type { Call, Handler } from './methods.ts';
import { repositoryHandlers } from './repository-calls.ts';
import { modelPath, type RestAnswers } from './rest-answers.ts';
import { settingHandlers } from './setting-calls.ts';
import { GrpcError, grpcStatus } from './status.ts';
import { type StreamAnswers, streamInfer } from './stream-infer.ts';

interface NamedModel {
  readonly name: string;
  readonly version: string;
}

export const inferenceService = 'inference.GRPCInferenceService';
const inferMethod = `${inferenceService}/ModelInfer`;
const streamMethod = `${inferenceService}/ModelStreamInfer`;

/** The methods of inference.GRPCInferenceService. */
export function inferenceHandlers(
  root: protobuf.Root,
  options: InferenceServerOptions,
  rest: RestAnswers,
): Readonly<Record<string, Handler>> {
  const { replica, errorDetail, spans } = options;
  const enter = entrance(options);
  const told = (error: unknown) =>
    error instanceof MillraceError && !errorDetail ? withoutPayload(error) : error;
  const inferIn = async (
    method: string,
    message: ModelInferRequest,
    given: Call,
  ): Promise<ModelInferResponse> => {
    const { call, end } = spanOf(given, method, spans);
    let leave: Leave | null = null;
    let failure: unknown = null;
    try {
      leave = await enter(message.model_name, 'predict', call);
      return await modelInfer(message, call, replica.plane);
    } catch (error) {
      failure = error;
      throw told(error);
    } finally {
      leave?.();
      end(failure);
    }
  };
  const pieces: StreamAnswers['pieces'] = async function* (message, given, signal) {
    const { call, end } = spanOf(given, streamMethod, spans);
    let leave: Leave | null = null;
    let failure: unknown = fail('cancelled', {});
    try {
      leave = await enter(message.model_name, 'predict', call);
      yield* modelPieces(message, call, replica.plane, signal);
      failure = null;
    } catch (error) {
      failure = error;
      throw told(error);
    } finally {
      leave?.();
      end(failure);
    }
  };
  const streamed: StreamAnswers = {
    once: (message, call) => inferIn(streamMethod, message, call),
    pieces,
    decoupled: (message) => streams(replica.plane, message.model_name),
  };
  const inspect = (name: string, call: Call) => void enter(name, 'inspect', call);
  const messageOf = (type: string, value: unknown): object =>
    root.lookupType(`inference.${type}`).fromObject(value as Record<string, unknown>);
  return {
    ServerLive: { unary: () => ({ live: true }) },
    ServerReady: { unary: () => ({ ready: replica.ready }) },
    ModelReady: {
      unary: (model: NamedModel, call: Call) => {
        inspect(model.name, call);
        return { ready: answersFor(replica.plane, model) };
      },
    },
    ServerMetadata: { unary: async () => messageOf('ServerMetadataResponse', await rest('GET', '/v2')) },
    ModelMetadata: {
      unary: async ({ name, version }: NamedModel, call: Call) => {
        inspect(name, call);
        return messageOf('ModelMetadataResponse', await rest('GET', modelPath(name, version)));
      },
    },
    ModelInfer: { unary: (message: ModelInferRequest, call: Call) => inferIn(inferMethod, message, call) },
    ModelStreamInfer: { stream: (call) => streamInfer(call, streamed) },
    ModelConfig: {
      unary: async ({ name, version }: NamedModel, call: Call) => {
        inspect(name, call);
        const config = await rest('GET', `${modelPath(name, version)}/config`);
        return messageOf('ModelConfigResponse', { config });
      },
    },
    ModelStatistics: {
      unary: async ({ name, version }: NamedModel, call: Call) => {
        if (name !== '') inspect(name, call);
        const path = name === '' ? '/v2/models' : modelPath(name, version);
        return messageOf('ModelStatisticsResponse', await rest('GET', `${path}/stats`, {}, call));
      },
    },
    ...repositoryHandlers(rest, (name, call) => void enter(name, 'manage', call)),
    ...settingHandlers(rest, inspect),
    ...sharedMemoryHandlers,
  };
}

type Entrance = (name: string, action: KeyAction, call: Call) => ReturnType<Admission['enter']>;

/** Lets calls in by the endpoint's keys and limits, and counts those that it keeps out. */
function entrance({ replica, metrics, admission: given }: InferenceServerOptions): Entrance {
  const admission = given ?? new Admission(replica.plane, replica.keyRing);
  const count = refusalCounter(metrics);
  return (name, action, { headers }) => {
    const keptOut = (error: unknown): never => {
      count(name, error);
      throw error;
    };
    try {
      const leave = admission.enter(name, action, headers);
      return leave instanceof Promise ? leave.catch(keptOut) : leave;
    } catch (error) {
      return keptOut(error);
    }
  };
}

/** Does some version of the endpoint answer in pieces? */
function streams(plane: InferenceServerOptions['replica']['plane'], name: string): boolean {
  return plane.endpoints.some((s) => s.route.endpoint === name && s.arms.some((arm) => arm.model.streams));
}

/** Not found is not ready here: callers that wait for a model ask before it is there. */
function answersFor(
  plane: InferenceServerOptions['replica']['plane'],
  { name, version }: NamedModel,
): boolean {
  try {
    return isModelReady(plane, name, version === '' ? null : version);
  } catch (error) {
    if (error instanceof MillraceError && error.status === 404) return false;
    throw error;
  }
}

const noSharedMemory = () => {
  throw new GrpcError(grpcStatus.unimplemented, 'shared memory is not read here; send the data of tensors');
};

/** There are no regions: asking for them is answered, unregistering them is done, registering one is not. */
const sharedMemoryHandlers: Readonly<Record<string, Handler>> = {
  SystemSharedMemoryStatus: { unary: () => ({ regions: {} }) },
  SystemSharedMemoryRegister: { unary: noSharedMemory },
  SystemSharedMemoryUnregister: { unary: () => ({}) },
  CudaSharedMemoryStatus: { unary: () => ({ regions: {} }) },
  CudaSharedMemoryRegister: { unary: noSharedMemory },
  CudaSharedMemoryUnregister: { unary: () => ({}) },
};

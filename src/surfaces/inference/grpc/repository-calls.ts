import { type InferParameter, integerOf } from './infer-messages.ts';
import type { Call, Handler } from './methods.ts';
import type { RestAnswers } from './rest-answers.ts';
import { GrpcError, grpcStatus } from './status.ts';

interface RepositoryParameter {
  readonly parameter_choice?: 'bool_param' | 'int64_param' | 'string_param' | 'bytes_param';
  readonly bool_param?: boolean;
  readonly int64_param?: InferParameter['int64_param'];
  readonly string_param?: string;
  readonly bytes_param?: Uint8Array;
}

interface ModelOfRepository {
  readonly repository_name: string;
  readonly model_name: string;
  readonly parameters: Readonly<Record<string, RepositoryParameter>>;
}

/**
 * The model repository extension.
 *
 * @param enter throws for a caller who may not load and unload a model
 */
export function repositoryHandlers(
  rest: RestAnswers,
  enter: (name: string, call: Call) => void,
): Readonly<Record<string, Handler>> {
  const act = async (message: ModelOfRepository, call: Call, action: 'load' | 'unload'): Promise<string> => {
    const name = modelName(message);
    enter(name, call);
    const parameters = Object.fromEntries(
      Object.entries(message.parameters).map(([key, parameter]) => [key, plain(parameter)]),
    );
    await rest('POST', `/v2/repository/models/${encodeURIComponent(name)}/${action}`, { parameters });
    return name;
  };
  return {
    RepositoryIndex: {
      unary: async ({ ready }: { readonly ready: boolean }, call: Call) => ({
        models: await rest('POST', '/v2/repository/index', { ready }, call),
      }),
    },
    RepositoryModelLoad: {
      unary: async (message: ModelOfRepository, call: Call) => ({
        model_name: await act(message, call, 'load'),
        is_loaded: true,
      }),
    },
    RepositoryModelUnload: {
      unary: async (message: ModelOfRepository, call: Call) => ({
        model_name: await act(message, call, 'unload'),
        is_unloaded: true,
      }),
    },
  };
}

/** Field 2, or field 1 where KServe's clients put it. There is one repository only, so that name says nothing else. */
function modelName({ model_name, repository_name }: ModelOfRepository): string {
  const name = model_name === '' ? repository_name : model_name;
  if (name === '') {
    const message = 'Model name cannot be empty. Please enter a valid name to deploy.';
    throw new GrpcError(grpcStatus.invalidArgument, message);
  }
  return name;
}

/** A parameter as JSON has it: bytes are base64. */
function plain(parameter: RepositoryParameter): unknown {
  const choice = parameter.parameter_choice;
  const value = choice && parameter[choice];
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  return typeof value === 'object' ? Number(integerOf(value)) : value;
}

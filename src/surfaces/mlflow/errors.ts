import type { ErrorCode, MillraceError } from '../../core/errors.ts';

type MlflowCode =
  | 'BAD_REQUEST'
  | 'ENDPOINT_NOT_FOUND'
  | 'INTERNAL_ERROR'
  | 'INVALID_PARAMETER_VALUE'
  | 'NOT_IMPLEMENTED'
  | 'PERMISSION_DENIED'
  | 'RESOURCE_ALREADY_EXISTS'
  | 'RESOURCE_DOES_NOT_EXIST'
  | 'TEMPORARILY_UNAVAILABLE'
  | 'UNAUTHENTICATED';

/** What MLflow 3 puts beside each code (mlflow/error_classification.py). */
const classification: Readonly<Record<MlflowCode, readonly [string, string] | null>> = {
  BAD_REQUEST: ['KAM00', 'INVALID_PARAMETER_VALUE'],
  ENDPOINT_NOT_FOUND: ['KAM00', 'RESOURCE_NOT_FOUND'],
  INTERNAL_ERROR: ['XXM00', 'CLIENT_INTERNAL_ERROR'],
  INVALID_PARAMETER_VALUE: ['KAM00', 'INVALID_PARAMETER_VALUE'],
  NOT_IMPLEMENTED: null,
  PERMISSION_DENIED: ['KAM00', 'PERMISSION_DENIED'],
  RESOURCE_ALREADY_EXISTS: ['KAM00', 'RESOURCE_ALREADY_EXISTS'],
  RESOURCE_DOES_NOT_EXIST: ['KAM00', 'RESOURCE_NOT_FOUND'],
  TEMPORARILY_UNAVAILABLE: ['XXM00', 'CLIENT_INTERNAL_ERROR'],
  UNAUTHENTICATED: null,
};

const codes: Readonly<Partial<Record<ErrorCode, MlflowCode>>> = {
  experiment_exists: 'RESOURCE_ALREADY_EXISTS',
  experiment_name_taken: 'RESOURCE_ALREADY_EXISTS',
  registered_model_exists: 'RESOURCE_ALREADY_EXISTS',
  registered_name_taken: 'RESOURCE_ALREADY_EXISTS',
  alias_unknown: 'INVALID_PARAMETER_VALUE',
  route_not_found: 'ENDPOINT_NOT_FOUND',
};

const texts: Readonly<Partial<Record<ErrorCode, string>>> = {
  invalid_page_token: 'Invalid page token, could not base64-decode',
};

/** What MLflow's clients are answered. */
interface MlflowError {
  readonly status: number;
  readonly body: Readonly<Record<string, string>>;
}

/**
 * An error in MLflow's shape. Its clients retry 429 and 5xx for minutes, so only what may pass by itself has
 * such a status; every permanent error is a 4xx.
 */
export function toMlflowError(error: MillraceError): MlflowError {
  const code = codes[error.code] ?? codeOfStatus(error.status);
  return {
    status: httpStatus(code, error.status),
    body: errorBody(code, texts[error.code] ?? error.message),
  };
}

/** The body of an error; newer clients read `sqlstate` and `error_class` where MLflow has them for the code. */
export function errorBody(code: MlflowCode, message: string): Readonly<Record<string, string>> {
  const known = classification[code];
  return {
    error_code: code,
    message,
    ...(known ? { sqlstate: known[0], error_class: known[1] } : {}),
  };
}

function codeOfStatus(status: number): MlflowCode {
  if (status === 404) return 'RESOURCE_DOES_NOT_EXIST';
  if (status === 401) return 'UNAUTHENTICATED';
  if (status === 403) return 'PERMISSION_DENIED';
  if (status === 501) return 'NOT_IMPLEMENTED';
  if (status === 503) return 'TEMPORARILY_UNAVAILABLE';
  return status >= 500 ? 'INTERNAL_ERROR' : 'INVALID_PARAMETER_VALUE';
}

function httpStatus(code: MlflowCode, ours: number): number {
  if (code === 'RESOURCE_ALREADY_EXISTS' || code === 'INVALID_PARAMETER_VALUE')
    return ours === 413 ? 413 : 400;
  return ours;
}

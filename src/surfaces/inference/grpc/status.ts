import { MillraceError } from '../../../core/errors.ts';
import { textTooLong } from '../text-too-long.ts';

/** Codes of gRPC that this server answers with. */
export const grpcStatus = {
  ok: 0,
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;
type GrpcStatus = (typeof grpcStatus)[keyof typeof grpcStatus];

/** An error of the transport, with the status that says it best. */
export class GrpcError extends Error {
  override readonly name = 'GrpcError';
  readonly status: GrpcStatus;

  constructor(status: GrpcStatus, message: string) {
    super(message);
    this.status = status;
  }
}

const byHttpStatus: Readonly<Record<number, GrpcStatus>> = {
  400: grpcStatus.invalidArgument,
  401: grpcStatus.unauthenticated,
  403: grpcStatus.permissionDenied,
  404: grpcStatus.notFound,
  405: grpcStatus.unimplemented,
  408: grpcStatus.deadlineExceeded,
  409: grpcStatus.failedPrecondition,
  413: grpcStatus.resourceExhausted,
  415: grpcStatus.invalidArgument,
  422: grpcStatus.invalidArgument,
  429: grpcStatus.resourceExhausted,
  499: grpcStatus.cancelled,
  501: grpcStatus.unimplemented,
  503: grpcStatus.unavailable,
  504: grpcStatus.deadlineExceeded,
};

interface Failure {
  readonly status: GrpcStatus;
  readonly message: string;
  /** The code of the catalogue, sent as the trailer `x-millrace-error`. */
  readonly code: string | null;
}

/** How an error is told to a caller; one that nobody foresaw tells nothing of itself. */
export function failureOf(thrown: unknown): Failure {
  const error = textTooLong(thrown) ?? thrown;
  if (error instanceof GrpcError) return { status: error.status, message: error.message, code: null };
  if (error instanceof MillraceError) {
    const status = byHttpStatus[error.status] ?? grpcStatus.internal;
    return { status, message: `${error.message}. ${error.next}`, code: error.code };
  }
  return { status: grpcStatus.internal, message: 'internal error; the log of the server has it', code: null };
}

/** `grpc-message`: UTF-8, with `%` and everything but printable ASCII percent-encoded. */
export function encodeMessage(message: string): string {
  return message.replace(/[^ -$&-~]+/gu, (text) =>
    [...Buffer.from(text, 'utf8')].map((b) => `%${b.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
}

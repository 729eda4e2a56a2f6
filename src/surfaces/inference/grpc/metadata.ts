import type { RequestHeaders } from '../http2/request-headers.ts';
import { encodings } from './framing.ts';
import { GrpcError, grpcStatus } from './status.ts';

const unitMs: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1000,
  m: 1,
  u: 0.001,
  n: 0.000_001,
};

/**
 * How long the caller waits (`grpc-timeout`: up to eight digits and a unit), in milliseconds; null: for ever.
 * Throws `INVALID_ARGUMENT`.
 */
export function timeoutMsOf(headers: RequestHeaders): number | null {
  const value = headers['grpc-timeout'];
  if (value === undefined) return null;
  const match = /^(\d{1,8})([HMSmun])$/.exec(String(value));
  if (!match)
    throw new GrpcError(grpcStatus.invalidArgument, `grpc-timeout "${value}" is not a timeout such as 500m`);
  return Number(match[1]) * (unitMs[match[2] as string] as number);
}

/** The encoding of the caller's messages. Throws `UNIMPLEMENTED` for one that is not known. */
export function requestEncoding(headers: RequestHeaders): string {
  const encoding = headers['grpc-encoding'];
  if (encoding === undefined) return 'identity';
  if (encodings.includes(encoding as (typeof encodings)[number])) return String(encoding);
  const text = `grpc-encoding "${encoding}" is not read here; use one of ${encodings.join(', ')}`;
  throw new GrpcError(grpcStatus.unimplemented, text);
}

/** The encoding of the answer: the caller's own, when it takes it back. */
export function answerEncoding(headers: RequestHeaders, requested: string): string {
  if (requested === 'identity') return requested;
  const accepted = String(headers['grpc-accept-encoding'] ?? '');
  return accepted.split(',').some((name) => name.trim() === requested) ? requested : 'identity';
}

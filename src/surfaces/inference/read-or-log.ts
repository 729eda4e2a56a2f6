import { MillraceError } from '../../core/errors.ts';
import type { Plane, PredictRequest } from '../../lifecycle/serving/index.ts';
import type { HttpAnswer } from './http/answer.ts';
import { decodedBody, encodedAnswer, leastPackedBytes } from './http/content-encoding.ts';
import { headerTrace, malformed, type RequestContext } from './request-context.ts';

/** Unpacks and reads a request; when that fails, the failure is in the prediction log before it is told. */
export async function readOrLog<T>(
  request: RequestContext,
  body: Buffer,
  { plane, limitBytes }: { readonly plane: Plane; readonly limitBytes: number },
  read: (plain: Buffer) => T | Promise<T>,
): Promise<T> {
  try {
    const encoding = request.headers['content-encoding'];
    return await read(encoding ? await decodedBody(body, encoding, limitBytes) : body);
  } catch (thrown) {
    const error = isStackExhausted(thrown) ? malformed('the values of the body are nested too deep') : thrown;
    if (error instanceof MillraceError) await plane.logRefusal(unread(request), error);
    throw error;
  }
}

function isStackExhausted(thrown: unknown): boolean {
  return thrown instanceof RangeError && /call stack/.test(thrown.message);
}

/** Stands in the prediction log for a request that could not be read. */
export function unread(context: RequestContext): PredictRequest {
  const { endpoint, version, receivedAtMs, startedMs } = context;
  return {
    endpoint,
    version,
    rowCount: 1,
    tensors: [],
    extras: 'drop',
    predictionIds: null,
    entities: null,
    eventTimesMs: null,
    receivedAtMs,
    startedMs,
    ...headerTrace(context),
  };
}

/** The answer compressed, where the caller takes that and it is worth it. */
export function packedAnswer(
  answer: HttpAnswer,
  { headers }: RequestContext,
): HttpAnswer | Promise<HttpAnswer> {
  const accepted = headers['accept-encoding'];
  if (accepted === undefined || answer.body.length < leastPackedBytes) return answer;
  return encodedAnswer(answer, Array.isArray(accepted) ? accepted.join(',') : accepted);
}

import { fail, MillraceError } from '../../core/errors.ts';
import type { PredictRequest, ServedArm } from '../../lifecycle/serving/index.ts';
import type { InferContext } from './answer-infer.ts';
import type { HttpAnswer } from './http/answer.ts';
import { decodedBody, encodedAnswer, leastPackedBytes } from './http/content-encoding.ts';
import { headerTrace, malformed, type RequestContext } from './request-context.ts';

/**
 * Unpacks and reads a request, at once where it is not compressed; when that fails, the failure is in the prediction
 * log before it is told.
 */
export function readOrLog<T extends object>(
  request: RequestContext,
  body: Buffer,
  context: InferContext,
  read: (plain: Buffer) => T | Promise<T>,
): T | Promise<T> {
  const refused = async (thrown: unknown): Promise<never> => {
    const error = isStackExhausted(thrown) ? malformed('the values of the body are nested too deep') : thrown;
    if (error instanceof MillraceError) await context.plane.logRefusal(unread(request), error);
    throw error;
  };
  try {
    const encoding = request.headers['content-encoding'];
    const done = encoding ? decodedBody(body, encoding, context).then(read) : read(body);
    return done instanceof Promise ? done.catch(refused) : done;
  } catch (thrown) {
    return refused(thrown);
  }
}

/**
 * What answers requests of a version, or as the champion (null). Where nothing does, that is in the prediction log before
 * it is told. Throws `endpoint_unknown`, which has no log, `endpoint_empty`, `model_version_unknown`.
 */
export async function armOrLog(
  request: RequestContext,
  { plane }: InferContext,
  version: string | null,
): Promise<ServedArm> {
  const { endpoint } = request;
  plane.endpoint(endpoint);
  try {
    const arm = plane.arm(endpoint, version);
    if (!arm) throw fail('endpoint_empty', { endpoint });
    return arm;
  } catch (error) {
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

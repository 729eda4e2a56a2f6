import type { IncomingHttpHeaders } from 'node:http';
import { fail, MillraceError } from '../../core/errors.ts';
import type { ModelRepository, Plane, PredictRequest, ServedArm } from '../../lifecycle/serving/index.ts';
import { decodedBody, encodedAnswer } from './content-encoding.ts';
import { type HttpAnswer, jsonText } from './http-answer.ts';
import { readInvocation, writePredictions } from './invocations.ts';
import { readInferRequest } from './oip-request.ts';
import { checkOutputNames, writeInferResponse } from './oip-response.ts';
import { malformed, nameInPath, type RequestContext } from './request-context.ts';

const inferPath = /^\/v2\/models\/([^/]+)(?:\/versions\/([^/]+))?\/infer\/?$/;
const invocationsPath = /^(?:\/endpoints\/([^/]+))?\/invocations\/?$/;

export interface PostContext {
  readonly plane: Plane;
  /** Most bytes of a body once it is unpacked. */
  readonly limitBytes: number;
  /** Null where control decides what is served. */
  readonly repository: ModelRepository | null;
}

/** Answers a POST. Errors: those of the codecs, of Plane.predict and of the model repository. */
export async function answerPost(
  path: string,
  headers: IncomingHttpHeaders,
  body: Buffer,
  context: PostContext,
): Promise<HttpAnswer> {
  const clock = { headers, receivedAtMs: Date.now(), startedMs: performance.now() };
  const infer = inferPath.exec(path);
  if (infer) {
    const version = infer[2] === undefined ? null : nameInPath(infer[2]);
    return answerInfer({ ...clock, endpoint: nameInPath(infer[1] ?? ''), version }, body, context);
  }
  const invocations = invocationsPath.exec(path);
  if (invocations) {
    const endpoint = invocations[1] === undefined ? onlyEndpoint(context.plane) : nameInPath(invocations[1]);
    return answerInvocation({ ...clock, endpoint, version: null }, body, context);
  }
  throw fail('route_not_found', { method: 'POST', path });
}

async function answerInfer(request: RequestContext, body: Buffer, context: PostContext): Promise<HttpAnswer> {
  const { plane } = context;
  plane.endpoint(request.endpoint);
  let arm: ServedArm | null = null;
  const infer = await readOrLog(request, body, context, (plain) => {
    arm = plane.arm(request.endpoint, request.version);
    const read = readInferRequest(plain, request, arm);
    if (read.outputs)
      checkOutputNames(read.outputs, arm?.model.manifest.graph.outputs.map((o) => o.name) ?? []);
    return read;
  });
  const answer = writeInferResponse(request.endpoint, infer, await plane.predict(infer.request), arm);
  return encodedAnswer(answer, acceptedEncoding(request));
}

async function answerInvocation(
  request: RequestContext,
  body: Buffer,
  context: PostContext,
): Promise<HttpAnswer> {
  const { plane } = context;
  const arm = plane.arm(request.endpoint, null);
  if (!arm) throw fail('endpoint_empty', { endpoint: request.endpoint });
  const read = await readOrLog(request, body, context, (plain) => {
    const type = request.headers['content-type'];
    if (type?.includes('csv'))
      throw malformed(`content type "${type}" is not read here; send application/json`);
    return readInvocation(plain, request, [...arm.model.inputNames]);
  });
  const answer = jsonText(200, writePredictions(await plane.predict(read), arm));
  return encodedAnswer(answer, acceptedEncoding(request));
}

function acceptedEncoding({ headers }: RequestContext): string | undefined {
  const accepted = headers['accept-encoding'];
  return Array.isArray(accepted) ? accepted.join(',') : accepted;
}

/** Unpacks and reads a request; when that fails, the failure is in the prediction log before it is told. */
async function readOrLog<T>(
  request: RequestContext,
  body: Buffer,
  { plane, limitBytes }: PostContext,
  read: (plain: Buffer) => T,
): Promise<T> {
  try {
    const encoding = request.headers['content-encoding'];
    return read(encoding ? await decodedBody(body, encoding, limitBytes) : body);
  } catch (error) {
    if (error instanceof MillraceError) await plane.logRefusal(unread(request), error);
    throw error;
  }
}

/** Stands in the prediction log for a request that could not be read. */
export function unread({ endpoint, version, receivedAtMs, startedMs }: RequestContext): PredictRequest {
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
  };
}

function onlyEndpoint(plane: Plane): string {
  const names = plane.endpoints.map((s) => s.route.endpoint);
  const [only] = names;
  if (names.length === 1 && only !== undefined) return only;
  const problem =
    names.length === 0
      ? 'no endpoint is deployed yet'
      : `several endpoints are deployed: use /endpoints/<name>/invocations with one of ${names.join(', ')}`;
  throw names.length === 0 ? fail('endpoint_empty', { endpoint: '(none)' }) : malformed(problem);
}

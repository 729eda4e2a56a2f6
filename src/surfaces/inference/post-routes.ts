import type { IncomingHttpHeaders } from 'node:http';
import { fail, MillraceError } from '../../core/errors.ts';
import type { Plane, PredictRequest } from '../../lifecycle/serving/index.ts';
import { mlflowError, readInvocation, writePredictions } from './invocations.ts';
import { checkOutputNames, readInferRequest, writeInferResponse } from './oip-infer.ts';
import { malformed, nameInPath, type RequestContext } from './request-context.ts';

const inferPath = /^\/v2\/models\/([^/]+)(?:\/versions\/([^/]+))?\/infer\/?$/;
const invocationsPath = /^(?:\/endpoints\/([^/]+))?\/invocations\/?$/;

/** Answers a prediction request with a JSON text. Errors: those of the codecs and of Plane.predict. */
export async function answerPost(
  path: string,
  headers: IncomingHttpHeaders,
  body: Buffer,
  plane: Plane,
): Promise<string> {
  const clock = { headers, receivedAtMs: Date.now(), startedMs: performance.now() };
  const infer = inferPath.exec(path);
  if (infer) {
    const version = infer[2] === undefined ? null : nameInPath(infer[2]);
    return answerInfer({ ...clock, endpoint: nameInPath(infer[1] ?? ''), version }, body, plane);
  }
  const invocations = invocationsPath.exec(path);
  if (invocations) {
    const endpoint = invocations[1] === undefined ? onlyEndpoint(plane) : nameInPath(invocations[1]);
    return answerInvocation({ ...clock, endpoint, version: null }, body, plane);
  }
  throw fail('route_not_found', { method: 'POST', path });
}

async function answerInfer(context: RequestContext, body: Buffer, plane: Plane): Promise<string> {
  plane.endpoint(context.endpoint);
  const infer = await readOrLog(context, plane, () => {
    refuseEncodings(context);
    const read = readInferRequest(body, context);
    if (read.outputs) {
      const graph = plane.arm(context.endpoint, context.version)?.model.manifest.graph;
      checkOutputNames(read.outputs, graph?.outputs.map((o) => o.name) ?? []);
    }
    return read;
  });
  return writeInferResponse(context.endpoint, infer, await plane.predict(infer.request));
}

async function answerInvocation(context: RequestContext, body: Buffer, plane: Plane): Promise<string> {
  const arm = plane.arm(context.endpoint, null);
  if (!arm) throw fail('endpoint_empty', { endpoint: context.endpoint });
  const request = await readOrLog(context, plane, () => {
    refuseEncodings(context);
    const type = context.headers['content-type'];
    if (type?.includes('csv'))
      throw malformed(`content type "${type}" is not read here; send application/json`);
    return readInvocation(body, context, [...arm.model.inputNames]);
  });
  return writePredictions(await plane.predict(request), arm);
}

/** Reads a request; when that fails, the failure is in the prediction log before it is told. */
async function readOrLog<T>(context: RequestContext, plane: Plane, read: () => T): Promise<T> {
  try {
    return read();
  } catch (error) {
    if (error instanceof MillraceError) await plane.logRefusal(unread(context), error);
    throw error;
  }
}

function unread({ endpoint, version, receivedAtMs, startedMs }: RequestContext): PredictRequest {
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

function refuseEncodings({ headers }: RequestContext): void {
  if (headers['inference-header-content-length'] !== undefined) {
    throw malformed('binary tensors are not read here; send JSON (tritonclient: binary_data=False)');
  }
  const encoding = headers['content-encoding'];
  if (encoding && encoding !== 'identity')
    throw malformed(`content encoding "${encoding}" is not read here; send it plain`);
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

/** An error in the shape of the protocol that the path belongs to. */
export function errorBody(path: string, error: MillraceError): string {
  if (invocationsPath.test(path)) return mlflowError(error);
  return JSON.stringify({ error: `${error.message}. ${error.next}` });
}

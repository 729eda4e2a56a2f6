import { fail, MillraceError } from '../../core/errors.ts';
import type { Plane, ServedArm } from '../../lifecycle/serving/index.ts';
import { OtherRows } from '../../platform/runtimes/index.ts';
import { type HttpAnswer, jsonText } from './http/answer.ts';
import type { UnpackBounds } from './http/content-encoding.ts';
import { readInferRequest, withSignatureParams } from './oip/infer-request.ts';
import { checkOutputNames, writeInferResponse } from './oip/infer-response.ts';
import { armOrLog, packedAnswer, readOrLog } from './read-or-log.ts';
import { malformed, type RequestContext } from './request-context.ts';
import { scoringContent } from './scoring/content.ts';
import { readInvocation, readV1Predict } from './scoring/invocations.ts';
import { writeBare, writePredictions, writeV1Predictions } from './scoring/predictions.ts';
import { invocationEvents } from './stream-routes.ts';

export interface InferContext extends UnpackBounds {
  readonly plane: Plane;
}

/** `POST v2/models/<model>[/versions/<version>]/infer`. Errors: those of the codec and of Plane.predict. */
export async function answerInfer(
  request: RequestContext,
  body: Buffer,
  context: InferContext,
): Promise<HttpAnswer> {
  const { plane } = context;
  plane.endpoint(request.endpoint);
  let arm: ServedArm | null = null;
  const read = readOrLog(request, body, context, (plain) => {
    arm = plane.arm(request.endpoint, request.version);
    const infer = readInferRequest(plain, request, arm);
    if (infer.outputs) {
      checkOutputNames(infer.outputs, arm?.model.manifest.graph.outputs.map((o) => o.name) ?? []);
    }
    return withSignatureParams(infer, arm);
  });
  const infer = read instanceof Promise ? await read : read;
  const answer = writeInferResponse(request.endpoint, infer, await plane.predict(infer.request), arm);
  return packedAnswer(answer, request);
}

/** `POST [/endpoints/<name>]/invocations`, MLflow's scoring protocol. */
export async function answerInvocation(
  request: RequestContext,
  body: Buffer,
  context: InferContext,
): Promise<HttpAnswer> {
  const { manifest } = (await armOrLog(request, context, null)).model;
  const {
    request: read,
    streamed,
    unwrapped,
    stacked,
  } = await readOrLog(request, body, context, (plain) => {
    const content = scoringContent(request.headers['content-type']);
    return readInvocation(plain, content, request, manifest);
  });
  if (streamed) return invocationEvents(context.plane, read);
  const text = await context.plane.predict(read).then(
    (reply) => (unwrapped ? writeBare(reply, manifest) : writePredictions(reply, manifest, stacked)),
    (error: unknown) => {
      const whole = wholeAnswer(error);
      if (whole === null) throw error;
      return unwrapped ? whole : `{"predictions":${whole}}`;
    },
  );
  return packedAnswer(jsonText(200, text), request);
}

/** `POST v1/models/<name>:predict`, KServe's first protocol (and TensorFlow Serving's): `instances` or `inputs`. */
export async function answerV1Predict(
  request: RequestContext,
  body: Buffer,
  context: InferContext,
): Promise<HttpAnswer> {
  const { manifest } = (await armOrLog(request, context, null)).model;
  const { request: read, stacked } = await readOrLog(request, body, context, (plain) =>
    readV1Predict(plain, request, manifest),
  );
  const answer = jsonText(200, writeV1Predictions(await context.plane.predict(read), manifest, stacked));
  return packedAnswer(answer, request);
}

/**
 * What a model gave that filters or sums up the rows of a request, as JSON: MLflow's server answers it as it is. The log
 * has the rows as failed, without outputs, as none of them has an answer of its own. Null for every other error.
 */
function wholeAnswer(error: unknown): string | null {
  return error instanceof MillraceError && error.cause instanceof OtherRows ? error.cause.answer : null;
}

/**
 * The endpoint that is meant where none is named. Throws `endpoint_empty`, `request_malformed` for several.
 *
 * @param sees which of them the caller may be told of
 */
export function onlyEndpoint(plane: Plane, sees: (endpoint: string) => boolean): string {
  const names = plane.endpoints.map((s) => s.route.endpoint);
  const [only] = names;
  if (names.length === 1 && only !== undefined) return only;
  if (names.length === 0) throw fail('endpoint_empty', { endpoint: '(none)' });
  const told = names.filter(sees);
  const which = told.length === 0 ? '' : ` with one of ${told.join(', ')}`;
  throw malformed(`several endpoints are deployed: use /endpoints/<name>/invocations${which}`);
}

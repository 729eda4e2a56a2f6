import { MillraceError } from '../../../core/errors.ts';
import type { Plane, ServedArm } from '../../../lifecycle/serving/index.ts';
import { type InferRequest, withSignatureParams } from '../oip/infer-request.ts';
import { checkOutputNames } from '../oip/infer-response.ts';
import { unread } from '../read-or-log.ts';
import type { RequestContext } from '../request-context.ts';
import { withParams } from '../stream-routes.ts';
import type { ModelInferRequest, ModelInferResponse } from './infer-messages.ts';
import type { Call } from './methods.ts';
import { readModelInfer } from './read-infer.ts';
import { modelInferResponse } from './write-infer.ts';

/** Answers ModelInfer. Errors: those of readModelInfer and of Plane.predict; each is in the prediction log. */
export async function modelInfer(
  message: ModelInferRequest,
  call: Call,
  plane: Plane,
): Promise<ModelInferResponse> {
  const { endpoint, arm, infer } = await readLogged(message, call, plane);
  const reply = await plane.predict(withCaller(infer.request, call));
  return modelInferResponse(endpoint, infer, reply, arm);
}

/** Answers in pieces, where the model does; else once. Errors: those of modelInfer and of PlaneStreams.open. */
export async function* modelPieces(
  message: ModelInferRequest,
  call: Call,
  plane: Plane,
  signal: AbortSignal,
): AsyncGenerator<ModelInferResponse> {
  const { endpoint, arm, infer } = await readLogged(message, call, plane);
  const pieces = await plane.streams.open(withCaller(withParams(infer), call));
  for await (const { reply } of pieces(signal)) yield modelInferResponse(endpoint, infer, reply, arm);
}

/** Reads a request; when that fails, the failure is in the prediction log before it is told. */
async function readLogged(
  message: ModelInferRequest,
  call: Call,
  plane: Plane,
): Promise<{ readonly endpoint: string; readonly arm: ServedArm | null; readonly infer: InferRequest }> {
  const context: RequestContext = {
    endpoint: message.model_name,
    version: message.model_version === '' ? null : message.model_version,
    headers: call.headers,
    receivedAtMs: call.receivedAtMs,
    startedMs: call.startedMs,
  };
  const { endpoint } = context;
  plane.endpoint(endpoint);
  try {
    const arm = plane.arm(endpoint, context.version);
    const infer = withSignatureParams(readModelInfer(message, context, arm), arm);
    if (infer.outputs && !arm?.model.streams) {
      checkOutputNames(infer.outputs, arm?.model.manifest.graph.outputs.map((o) => o.name) ?? []);
    }
    return { endpoint, arm, infer };
  } catch (error) {
    if (error instanceof MillraceError) await plane.logRefusal(unread(context), error);
    throw error;
  }
}

/** Waited for as long as the caller does: until it leaves, or the sooner one of its deadlines. */
function withCaller(request: InferRequest['request'], { timeoutMs, hasLeft }: Call): InferRequest['request'] {
  const own = request.timeoutMs ?? timeoutMs;
  return { ...request, hasLeft, timeoutMs: timeoutMs === null ? own : Math.min(own ?? timeoutMs, timeoutMs) };
}

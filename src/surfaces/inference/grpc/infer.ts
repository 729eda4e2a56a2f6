import { MillraceError } from '../../../core/errors.ts';
import type { Plane, ServedArm } from '../../../lifecycle/serving/index.ts';
import type { InferRequest } from '../oip-request.ts';
import { checkOutputNames } from '../oip-response.ts';
import { unread } from '../read-or-log.ts';
import type { RequestContext } from '../request-context.ts';
import type { ModelInferRequest, ModelInferResponse } from './infer-messages.ts';
import type { Call, StreamCall } from './methods.ts';
import { readModelInfer } from './read-infer.ts';
import { failureOf } from './status.ts';
import { modelInferResponse } from './write-infer.ts';

/** Predictions under way at a time for one stream. */
const mostUnderWay = 64;
const finalResponse = { triton_final_response: { bool_param: true } } as const;

/** Answers ModelInfer. Errors: those of readModelInfer and of Plane.predict; each is in the prediction log. */
export async function modelInfer(
  message: ModelInferRequest,
  call: Call,
  plane: Plane,
): Promise<ModelInferResponse> {
  const context: RequestContext = {
    endpoint: message.model_name,
    version: message.model_version === '' ? null : message.model_version,
    headers: call.headers,
    receivedAtMs: call.receivedAtMs,
    startedMs: call.startedMs,
  };
  plane.endpoint(context.endpoint);
  let arm: ServedArm | null = null;
  let infer: InferRequest;
  try {
    arm = plane.arm(context.endpoint, context.version);
    infer = readModelInfer(message, context, arm);
    if (infer.outputs) {
      checkOutputNames(infer.outputs, arm?.model.manifest.graph.outputs.map((o) => o.name) ?? []);
    }
  } catch (error) {
    if (error instanceof MillraceError) await plane.logRefusal(unread(context), error);
    throw error;
  }
  const reply = await plane.predict(withDeadline(infer.request, call.timeoutMs));
  return modelInferResponse(context.endpoint, infer, reply, arm);
}

/** The sooner one of the call's deadline and the request's own. */
function withDeadline(request: InferRequest['request'], timeoutMs: number | null): InferRequest['request'] {
  if (timeoutMs === null) return request;
  const own = request.timeoutMs ?? null;
  return own !== null && own <= timeoutMs ? request : { ...request, timeoutMs };
}

/**
 * Answers ModelStreamInfer: the messages of a stream are predicted together and answered in their order. An error
 * is an answer of its own, with the id of its request, and the stream goes on.
 *
 * @param infer answers one message
 */
export async function streamInfer(
  call: StreamCall,
  infer: (message: ModelInferRequest, call: Call) => Promise<ModelInferResponse>,
): Promise<void> {
  let last: Promise<void> = Promise.resolve();
  let sinceWait = 0;
  for await (const message of call.messages as AsyncIterable<ModelInferRequest>) {
    const { headers } = call;
    const clock = { headers, timeoutMs: null, receivedAtMs: Date.now(), startedMs: performance.now() };
    const answer = infer(message, clock).then(
      (response) => ({ infer_response: asksForFinal(message) ? finalOf(response) : response }),
      (error) => errorOf(error, message),
    );
    last = last.then(async () => call.send(await answer));
    sinceWait += 1;
    if (sinceWait < mostUnderWay) continue;
    await last;
    sinceWait = 0;
  }
  await last;
}

/** Callers of models that answer many times per request ask to be told which answer is the last one. */
function asksForFinal({ parameters }: ModelInferRequest): boolean {
  return parameters.triton_enable_empty_final_response?.bool_param === true;
}

function finalOf(response: ModelInferResponse): ModelInferResponse {
  return { ...response, parameters: { ...response.parameters, ...finalResponse } };
}

function errorOf(error: unknown, { id, model_name, model_version }: ModelInferRequest): object {
  const parameters = finalResponse;
  return {
    error_message: failureOf(error).message,
    infer_response: { id, model_name, model_version, parameters },
  };
}

import { bothEnded } from '../../../core/both-ended.ts';
import type { ModelInferRequest, ModelInferResponse } from './infer-messages.ts';
import type { Call, StreamCall } from './methods.ts';
import { failureOf } from './status.ts';

/** Predictions under way at a time for one stream. */
const mostUnderWay = 64;
const finalResponse = { triton_final_response: { bool_param: true } } as const;
const notFinal = { triton_final_response: { bool_param: false } } as const;

/** What answers the messages of a stream. */
export interface StreamAnswers {
  /** Answers once. */
  readonly once: (message: ModelInferRequest, call: Call) => Promise<ModelInferResponse>;
  /** Answers with as many messages as the model gives, until the signal is aborted. */
  readonly pieces: (
    message: ModelInferRequest,
    call: Call,
    signal: AbortSignal,
  ) => AsyncIterable<ModelInferResponse>;
  /** Does the model give several (is it decoupled, as Triton calls it)? */
  readonly decoupled: (message: ModelInferRequest) => boolean;
}

/**
 * Answers ModelStreamInfer: the messages of a stream, but large ones, are predicted together and answered in their order; the answers
 * of models that give several come as they come, those to one request in their order. An error is an answer of its
 * own, with the id of its request, and the stream goes on.
 */
export async function streamInfer(call: StreamCall, answers: StreamAnswers): Promise<void> {
  let last: Promise<unknown> = Promise.resolve();
  let sinceWait = 0;
  for await (const message of call.messages as AsyncIterable<ModelInferRequest>) {
    const clock = clockOf(call);
    if (answers.decoupled(message)) {
      last = bothEnded(last, sendPieces(call, answers.pieces(message, clock, call.gone), message));
    } else {
      const answer = answers.once(message, { ...clock, timeoutMs: null }).then(
        (response) => ({
          infer_response: asksForFinal(message) ? marked(response, finalResponse) : response,
        }),
        (error) => errorOf(error, message),
      );
      last = last.then(async () => call.send(await answer));
    }
    sinceWait += 1;
    if (sinceWait < mostUnderWay && !call.lastIsLarge()) continue;
    await last;
    sinceWait = 0;
  }
  await last;
}

/** When the message came, and how long its call still waits. */
function clockOf({ headers, timeoutMs, startedMs, hasLeft }: StreamCall): Call {
  const nowMs = performance.now();
  const leftMs = timeoutMs === null ? null : Math.max(1, startedMs + timeoutMs - nowMs);
  return { headers, timeoutMs: leftMs, receivedAtMs: Date.now(), startedMs: nowMs, hasLeft };
}

async function sendPieces(
  call: StreamCall,
  pieces: AsyncIterable<ModelInferResponse>,
  message: ModelInferRequest,
): Promise<void> {
  const { id, model_name, model_version } = message;
  try {
    for await (const piece of pieces) await call.send({ infer_response: marked(piece, notFinal) });
    if (!asksForFinal(message)) return;
    await call.send({ infer_response: { id, model_name, model_version, parameters: finalResponse } });
  } catch (error) {
    await call.send(errorOf(error, message));
  }
}

/** Callers of models that answer many times per request ask to be told which answer is the last one. */
function asksForFinal({ parameters }: ModelInferRequest): boolean {
  return parameters.triton_enable_empty_final_response?.bool_param === true;
}

function marked(
  response: ModelInferResponse,
  mark: typeof finalResponse | typeof notFinal,
): ModelInferResponse {
  return { ...response, parameters: { ...response.parameters, ...mark } };
}

function errorOf(error: unknown, { id, model_name, model_version }: ModelInferRequest): object {
  const parameters = finalResponse;
  return {
    error_message: failureOf(error).message,
    infer_response: { id, model_name, model_version, parameters },
  };
}

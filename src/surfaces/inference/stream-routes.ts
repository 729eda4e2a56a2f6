import type { IncomingHttpHeaders } from 'node:http';
import type {
  Plane,
  PredictRequest,
  ServedArm,
  StreamedPiece,
  StreamPieces,
} from '../../lifecycle/serving/index.ts';
import type { InferContext } from './answer-infer.ts';
import { type HttpAnswer, jsonText } from './http/answer.ts';
import type { EventAnswer } from './http/event-streams.ts';
import { readGenerateRequest, writeGenerated } from './oip/generate.ts';
import { type InferRequest, readInferRequest } from './oip/infer-request.ts';
import { writeInferResponse } from './oip/infer-response.ts';
import { armOrLog, packedAnswer, readOrLog } from './read-or-log.ts';
import { nameInPath, type RequestContext } from './request-context.ts';

const streamPath =
  /^\/v2\/models\/([^/]+)(?:\/versions\/([^/]+))?\/(generate|generate_stream|infer_stream)\/?$/;

/** Parameters of the protocol that are none of the model's. */
const ownParameters =
  /^(?:entity|event_time|timeout|priority|headers|binary_data_output|(?:triton|sequence)_.*)$/;

type Clock = Pick<RequestContext, 'receivedAtMs' | 'startedMs'> & { readonly headers: IncomingHttpHeaders };

/**
 * Answers Triton's generate extension and MLServer's `infer_stream`; null for other paths. A model that does not
 * stream gives one event. Errors: those of the codecs, of Plane.predict and PlaneStreams.open.
 */
export function answerStreamPath(
  path: string,
  clock: Clock,
  body: Buffer,
  context: InferContext,
): Promise<HttpAnswer> | null {
  const match = streamPath.exec(path);
  if (!match) return null;
  const version = match[2] === undefined ? null : nameInPath(match[2]);
  const request = { ...clock, endpoint: nameInPath(match[1] ?? ''), version };
  return match[3] === 'infer_stream'
    ? inferStream(request, body, context)
    : generate(request, body, context, match[3] === 'generate_stream');
}

async function generate(
  request: RequestContext,
  body: Buffer,
  context: InferContext,
  streamed: boolean,
): Promise<HttpAnswer> {
  const { plane } = context;
  const arm = await armOrLog(request, context, request.version);
  const { signature } = arm.model.manifest;
  const read = await readOrLog(
    request,
    body,
    context,
    (plain) =>
      readGenerateRequest(plain, request, signature) ?? { tensors: readInferRequest(plain, request, arm) },
  );
  if ('tensors' in read) {
    const { tensors } = read;
    if (streamed) return inferEvents(request, tensors, arm, plane);
    const reply = await plane.predict(withParams(tensors));
    return packedAnswer(writeInferResponse(request.endpoint, tensors, reply, arm), request);
  }
  const asked = withParams(read.infer);
  if (!streamed) {
    const answer = jsonText(200, writeGenerated(request.endpoint, read, await plane.predict(asked)));
    return packedAnswer(answer, request);
  }
  const pieces = await plane.streams.open(asked);
  return events(pieces, ({ reply }) => writeGenerated(request.endpoint, read, reply));
}

async function inferStream(
  request: RequestContext,
  body: Buffer,
  context: InferContext,
): Promise<HttpAnswer> {
  const { plane } = context;
  const arm = await armOrLog(request, context, request.version);
  const read = await readOrLog(request, body, context, (plain) => readInferRequest(plain, request, arm));
  return inferEvents(request, read, arm, plane);
}

async function inferEvents(
  request: RequestContext,
  read: InferRequest,
  arm: ServedArm,
  plane: Plane,
): Promise<HttpAnswer> {
  const pieces = await plane.streams.open(withParams(read));
  // An event is text: there is no place for bytes behind it.
  const outputs = read.outputs?.map((output) => ({ ...output, binary: false })) ?? null;
  const plain: InferRequest = { ...read, outputs, binary: false };
  return events(pieces, ({ reply }) => String(writeInferResponse(request.endpoint, plain, reply, arm).body));
}

/**
 * Answers MLflow's scoring with `"stream": true`: an event for each thing that the model gives, then `[DONE]`. Throws
 * `stream_unsupported` for a model that does not stream.
 */
export async function invocationEvents(plane: Plane, request: PredictRequest): Promise<HttpAnswer> {
  const pieces = await plane.streams.open(request, true);
  const broken = (body: string) => {
    const { message, ...more } = JSON.parse(body) as Record<string, unknown>;
    return [JSON.stringify({ error: message, ...more }), doneMark];
  };
  return events(pieces, ({ value }) => JSON.stringify(value), { done: [doneMark], broken });
}

const doneMark = '[DONE]';

function events(
  pieces: StreamPieces,
  write: (piece: StreamedPiece) => string,
  { done, broken }: Pick<EventAnswer, 'done' | 'broken'> = { done: [], broken: (body) => [body] },
): HttpAnswer {
  return {
    status: 200,
    body: '',
    contentType: 'text/event-stream',
    events: { pieces: (signal) => map(pieces(signal), write), done, broken },
  };
}

async function* map(
  pieces: AsyncIterable<StreamedPiece>,
  write: (piece: StreamedPiece) => string,
): AsyncGenerator<string> {
  for await (const piece of pieces) yield write(piece);
}

/** The request with the caller's parameters as the model's. */
export function withParams({
  request,
  parameters,
}: Pick<InferRequest, 'request' | 'parameters'>): PredictRequest {
  const entries = Object.entries(parameters).filter(([name]) => !ownParameters.test(name));
  return entries.length === 0 ? request : { ...request, params: Object.fromEntries(entries) };
}

import { textOfBytes } from '../../../core/byte-text.ts';
import { uuidv7 } from '../../../core/ids.ts';
import type { PredictRequest, RequestTensor, ServedArm } from '../../../lifecycle/serving/index.ts';
import { parseExactJson, parseTensorJson } from '../http/json-body.ts';
import { checkParamNesting, checkRowCount } from '../http/request-size.ts';
import {
  eventTimeMs,
  givenText,
  headerArm,
  headerEntity,
  headerEventTimeMs,
  headerTrace,
  malformed,
  type RequestContext,
  rowIds,
} from '../request-context.ts';
import { paramsOf } from '../scoring/params.ts';
import { base64Content } from './base64-texts.ts';
import { datatypeOf } from './datatypes.ts';
import { readTensors, refuseTwice, tensorTarget } from './json-tensors.ts';
import { decodeRaw, rawSize, utf8 } from './raw-tensors.ts';

/** How the caller wants an output. */
export interface WantedOutput {
  readonly name: string;
  readonly binary: boolean;
  /** Classification extension: the k highest values instead of the tensor; 0 for the tensor. */
  readonly top: number;
  /** In JSON texts are wanted in base64. */
  readonly base64?: boolean;
}

/** An Open Inference Protocol v2 inference request, read. */
export interface InferRequest {
  readonly request: PredictRequest;
  /** Parameters of the request as they came. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** The caller's id, or the one we gave. */
  readonly id: string;
  /** What the caller wants; null for all outputs. */
  readonly outputs: readonly WantedOutput[] | null;
  /** Whether outputs that say nothing of it themselves are sent as bytes. */
  readonly binary: boolean;
}

const microsecondsPerMs = 1000;

/**
 * Reads `POST v2/models/<model>/infer`: JSON, or JSON and tensors as bytes behind it.
 * `parameters.entity` and `parameters.event_time` describe the request, as do inputs named `prediction_id`,
 * `entity` and `event_time` row by row; `parameters.timeout` is how long the caller waits, in microseconds.
 * Parameters that are not known are let be, but for those of Triton's own prefix. An `id` may be a whole number up to
 * 2^53, which is taken as its text. Throws `request_malformed`,
 * `invalid_time`.
 *
 * @param arm what will answer; null while the endpoint has nothing
 */
export function readInferRequest(
  body: Buffer,
  context: RequestContext,
  arm: ServedArm | null = null,
): InferRequest {
  const headerBytes = jsonLength(context, body);
  if (headerBytes === 0) return readRawRequest(body, context, arm);
  const jsonBytes = headerBytes === null ? body : body.subarray(0, headerBytes);
  const raw = headerBytes === null ? null : body.subarray(headerBytes);
  const json = parseTensorJson(jsonBytes);
  const target = tensorTarget(context.endpoint, arm);
  let read = readTensors(json.inputs, raw, target);
  if (read.inexact) read = readTensors(exactInputs(jsonBytes, json.inputs), raw, target);
  const parameters = (json.parameters ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof parameters !== 'object' || Array.isArray(parameters)) {
    throw malformed('"parameters" must be an object');
  }
  refuseReserved(parameters);
  const binary = flag(parameters.binary_data_output, 'parameters.binary_data_output') ?? false;
  return {
    ...described(read.tensors, read.rowCount, json.id, parameters, context),
    binary,
    outputs: readOutputs(json.outputs, binary),
  };
}

/**
 * The request with what the model takes as params of its signature, as MLServer has it. Throws `param_invalid` for one
 * of another type than the signature's.
 *
 * @param arm what will answer
 */
export function withSignatureParams(infer: InferRequest, arm: ServedArm | null): InferRequest {
  const known = arm?.model.manifest.signature.params;
  const params = known ? paramsOf(infer.parameters, known) : null;
  return params === null ? infer : { ...infer, request: { ...infer.request, params } };
}

/** `Inference-Header-Content-Length`: the bytes of JSON in front of the tensors; null when all is JSON. */
function jsonLength({ headers }: RequestContext, body: Buffer): number | null {
  const value = headers['inference-header-content-length'];
  if (value === undefined) return null;
  const length = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
  if (Number.isNaN(length)) {
    throw malformed('Inference-Header-Content-Length must be the number of bytes of JSON in the body');
  }
  if (length > body.length) {
    throw malformed(`Inference-Header-Content-Length is ${length}, the body has ${body.length} bytes`);
  }
  return length;
}

/** The inputs with the integers of 64-bit tensors as BigInt where a number is not exact. */
function exactInputs(jsonBytes: Buffer, inputs: unknown): unknown {
  const exact = parseExactJson(jsonBytes).inputs as readonly { readonly data?: unknown }[];
  return (inputs as readonly { readonly datatype?: unknown }[]).map((input, i) =>
    input.datatype === 'INT64' || input.datatype === 'UINT64' ? { ...input, data: exact[i]?.data } : input,
  );
}

/** A body that is nothing but the bytes of the model's only input, for one row. */
function readRawRequest(body: Buffer, context: RequestContext, arm: ServedArm | null): InferRequest {
  const inputs = arm?.model.manifest.graph.inputs ?? [];
  const [input] = inputs;
  if (!input || inputs.length > 1) {
    throw malformed(
      `Raw request must only have 1 input (found 1) to be deduced but got ${inputs.length} inputs in '${context.endpoint}' model configuration (Inference-Header-Content-Length: 0)`,
    );
  }
  const { name, columns } = input;
  const datatype = datatypeOf(input);
  const size = rawSize(datatype);
  const dims = arm?.model.manifest.tensors === 'whole' ? input.shape : input.shape.slice(1);
  if (dims.filter((d) => d < 0).length > 1) {
    throw malformed(
      `The shape of the raw input '${name}' can not be deduced because there are more than one variable-sized dimension`,
    );
  }
  if (size === null && dims.some((d) => d !== 1)) {
    throw malformed(`For BYTE datatype raw input '${name}', the model must have input shape [1]`);
  }
  const shape =
    dims.length === 0 && columns.length > 1
      ? [columns.length]
      : fitted(dims, size === null ? 1 : body.length / size);
  const width = shape.reduce((product, d) => product * d, 1);
  // A body is one text as it stands: there is only one, so it needs no length in front.
  const anyBytes = tensorTarget(context.endpoint, arm).anyBytes.has(name);
  const text = () => (anyBytes ? textOfBytes(body) : utf8(body, `input "${name}"`));
  const data = size === null ? [text()] : decodeRaw(name, datatype, shape, body, context.endpoint, anyBytes);
  if (data.length !== width) {
    throw malformed(`a body without JSON is one text, and input "${name}" takes ${width} of them`);
  }
  return {
    ...described([{ name, width, data, shape }], 1, undefined, {}, context),
    binary: true,
    outputs: null,
  };
}

/** Dimensions of `count` values: the one that is free takes what the others leave. */
function fitted(dims: readonly number[], count: number): number[] {
  const free = dims.lastIndexOf(-1);
  const fixed = dims.reduce((product, d) => (d > 0 ? product * d : product), 1);
  return dims.map((d, i) => (d > 0 ? d : i === free ? Math.max(1, Math.floor(count / fixed)) : 1));
}

/**
 * Refuses parameters whose names begin with `triton_`, as Triton does: they are kept for settings of the protocol, and
 * one that is not known there would be lost in silence. Throws `request_malformed`.
 *
 * @param known those that the protocol has
 */
export function refuseReserved(
  parameters: Readonly<Record<string, unknown>>,
  known: readonly string[] = [],
): void {
  const reserved = Object.keys(parameters).find((key) => key.startsWith('triton_') && !known.includes(key));
  if (reserved === undefined) return;
  const allowed = known.length > 0 ? `. Only the following keys are allowed: ${known.join(' ')}` : '';
  throw malformed(
    `parameter "${reserved}": parameter keys starting with 'triton_' are reserved for Triton usage and should not be specified${allowed}`,
  );
}

/** What the caller says of the request as a whole; see readInferRequest. */
export function described(
  tensors: readonly RequestTensor[],
  rowCount: number,
  givenId: unknown,
  parameters: Readonly<Record<string, unknown>>,
  context: RequestContext,
): Pick<InferRequest, 'id' | 'request' | 'parameters'> {
  checkRowCount(rowCount);
  checkParamNesting(parameters);
  if (typeof givenId === 'number' && !Number.isSafeInteger(givenId)) {
    throw malformed('id is a number whose digits are not all kept; send it as a text');
  }
  const id = givenText(givenId, 'id') ?? uuidv7(context.receivedAtMs);
  const entity = givenText(parameters.entity, 'parameters.entity') ?? headerEntity(context);
  const time =
    parameters.event_time === undefined
      ? headerEventTimeMs(context)
      : eventTimeMs(parameters.event_time, 'parameters.event_time');
  const namesRows = tensors.some((t) => t.name === 'prediction_id');
  const request: PredictRequest = {
    endpoint: context.endpoint,
    version: context.version,
    override: headerArm(context),
    rowCount,
    tensors,
    extras: 'refuse',
    predictionIds: namesRows ? null : rowIds(id, rowCount),
    entities: entity === null ? null : new Array<string>(rowCount).fill(entity),
    eventTimesMs: time === null ? null : new Array<number>(rowCount).fill(time),
    receivedAtMs: context.receivedAtMs,
    startedMs: context.startedMs,
    hasLeft: context.hasLeft,
    ...headerTrace(context),
    timeoutMs: timeoutMsOf(parameters.timeout),
  };
  return { id, request, parameters };
}

/** How long the caller waits; null for as long as the server does, which zero stands for in Triton's protocol. */
function timeoutMsOf(timeout: unknown): number | null {
  const given = typeof timeout === 'bigint' ? Number(timeout) : (timeout ?? 0);
  if (typeof given !== 'number' || !(given >= 0)) {
    throw malformed('parameters.timeout must be a number of microseconds, 0 for none');
  }
  return given === 0 ? null : given / microsecondsPerMs;
}

/** Reads `outputs`, which gRPC has the same. Throws `request_malformed`. */
export function readOutputs(value: unknown, binary: boolean): readonly WantedOutput[] | null {
  if (value === undefined || value === null) return null;
  if (!Array.isArray(value)) throw malformed('"outputs" must be a list of {"name"}');
  if (value.length === 0) return null;
  const wanted = (value as ({ name?: unknown; parameters?: Record<string, unknown> } | null)[]).map(
    (output) => {
      const name = output?.name;
      if (typeof name !== 'string') throw malformed('each of "outputs" must have a "name"');
      const parameters = output?.parameters ?? {};
      const top = parameters.classification ?? 0;
      if (typeof top !== 'number' || !Number.isSafeInteger(top) || top < 0) {
        throw malformed(`output "${name}": "classification" must be how many classes to give`);
      }
      if (parameters.shared_memory_region !== undefined) {
        throw malformed(`output "${name}" is wanted in shared memory, which is not written here`);
      }
      const isBinary = flag(parameters.binary_data, `binary_data of output "${name}"`) ?? binary;
      return { name, top, binary: isBinary, base64: parameters.content_type === base64Content };
    },
  );
  if (wanted.length > 1) refuseTwice(wanted, 'output');
  return wanted;
}

function flag(value: unknown, field: string): boolean | undefined {
  if (value === undefined || typeof value === 'boolean') return value;
  throw malformed(`${field} must be true or false`);
}

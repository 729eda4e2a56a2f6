import { fail } from '../../core/errors.ts';
import { uuidv7 } from '../../core/ids.ts';
import type {
  PredictReply,
  PredictRequest,
  ReplyOutput,
  RequestTensor,
} from '../../lifecycle/serving/index.ts';
import { binaryDatatypes, elementDatatypes, jsonDatatypes } from './datatypes.ts';
import {
  eventTimeMs,
  headerEntity,
  headerEventTimeMs,
  malformed,
  parseJson,
  type RequestContext,
  rowIds,
} from './request-context.ts';

/** An Open Inference Protocol v2 inference request, read. */
export interface InferRequest {
  readonly request: PredictRequest;
  /** The caller's id, or the one we gave. */
  readonly id: string;
  /** Names of the outputs that the caller wants; null for all. */
  readonly outputs: readonly string[] | null;
}

/**
 * Reads the JSON form of `POST v2/models/<model>/infer`. Nested and flat `data` are both taken, row-major.
 * `parameters.entity` and `parameters.event_time` describe the request, as do inputs named `prediction_id`,
 * `entity` and `event_time` row by row. Throws `request_malformed`, `invalid_time`.
 */
export function readInferRequest(body: Buffer, context: RequestContext): InferRequest {
  const json = parseJson(body);
  const { inputs, parameters } = json;
  if (!Array.isArray(inputs) || inputs.length === 0) throw malformed('"inputs" must be a list of tensors');
  const tensors: RequestTensor[] = [];
  let rowCount = -1;
  for (const input of inputs as unknown[]) {
    const { tensor, rows } = readTensor(input);
    if (rowCount >= 0 && rows !== rowCount) {
      throw malformed(`input "${tensor.name}" has ${rows} rows, the one before it has ${rowCount}`);
    }
    rowCount = rows;
    tensors.push(tensor);
  }
  const id = typeof json.id === 'string' && json.id !== '' ? json.id : uuidv7();
  const given = parameters as Record<string, unknown> | undefined;
  const entity = given?.entity === undefined ? headerEntity(context) : String(given.entity);
  const time =
    given?.event_time === undefined
      ? headerEventTimeMs(context)
      : eventTimeMs(given.event_time, 'parameters.event_time');
  const namesRows = tensors.some((t) => t.name === 'prediction_id');
  return {
    id,
    outputs: readOutputNames(json.outputs),
    request: {
      endpoint: context.endpoint,
      version: context.version,
      rowCount,
      tensors,
      extras: 'refuse',
      predictionIds: namesRows ? null : rowIds(id, rowCount),
      entities: entity === null ? null : new Array<string>(rowCount).fill(entity),
      eventTimesMs: time === null ? null : new Array<number>(rowCount).fill(time),
      receivedAtMs: context.receivedAtMs,
      startedMs: context.startedMs,
    },
  };
}

function readTensor(value: unknown): { tensor: RequestTensor; rows: number } {
  const input = value as { name?: unknown; shape?: unknown; datatype?: unknown; data?: unknown } | null;
  const name = input?.name;
  if (!input || typeof name !== 'string' || name === '') throw malformed('each input must have a "name"');
  const { shape, datatype } = input;
  if (!Array.isArray(shape) || shape.length === 0 || !shape.every((d) => Number.isInteger(d) && d >= 0)) {
    throw malformed(`input "${name}": "shape" must be a list of sizes, rows first`);
  }
  if (typeof datatype !== 'string' || !jsonDatatypes.has(datatype)) {
    const reason =
      typeof datatype === 'string' && binaryDatatypes.has(datatype)
        ? 'has no JSON form'
        : 'is not a datatype';
    throw malformed(
      `input "${name}": datatype ${JSON.stringify(datatype ?? null)} ${reason}; use one of ${[...jsonDatatypes].join(', ')}`,
    );
  }
  if (!Array.isArray(input.data)) throw malformed(`input "${name}": "data" must be a list`);
  const nested = Array.isArray(input.data[0]);
  const data: unknown[] = nested ? input.data.flat(Number.POSITIVE_INFINITY) : input.data;
  const sizes = shape as number[];
  const size = sizes.reduce((product, d) => product * d, 1);
  if (size !== data.length) {
    throw malformed(
      `input "${name}": shape [${sizes.join(', ')}] is ${size} values, "data" has ${data.length}`,
    );
  }
  const rows = sizes[0] ?? 0;
  if (rows === 0) throw malformed(`input "${name}" has no rows`);
  return { tensor: { name, width: size / rows, data }, rows };
}

function readOutputNames(value: unknown): readonly string[] | null {
  if (value === undefined || value === null) return null;
  if (!Array.isArray(value)) throw malformed('"outputs" must be a list of {"name"}');
  const names = value.map((output) => (output as { name?: unknown } | null)?.name);
  if (!names.every((name) => typeof name === 'string'))
    throw malformed('each of "outputs" must have a "name"');
  return names.length > 0 ? (names as string[]) : null;
}

/** Throws `request_malformed` when an output is wanted that the model does not have. */
export function checkOutputNames(wanted: readonly string[] | null, existing: readonly string[]): void {
  for (const name of wanted ?? []) {
    if (!existing.includes(name)) {
      throw fail('request_malformed', {
        problem: `output "${name}" does not exist; outputs are ${existing.join(', ')}`,
      });
    }
  }
}

/** Writes the answer. `id` is the prediction id of a request with one row, else rows are `<id>-<row>`. */
export function writeInferResponse(
  endpoint: string,
  { id, outputs, request }: InferRequest,
  reply: PredictReply,
): string {
  const [first] = reply.rows;
  const oneArm = reply.modelVersion !== null && first ? `"arm":"${first.arm}",` : '';
  const version = reply.modelVersion === null ? '' : `,"model_version":${JSON.stringify(reply.modelVersion)}`;
  const answerId =
    request.predictionIds === null && reply.rows.length === 1 && first ? first.predictionId : id;
  const wanted = outputs
    ? outputs.flatMap((name) => reply.outputs.filter((o) => o.name === name))
    : reply.outputs;
  return (
    `{"model_name":${JSON.stringify(endpoint)}${version},"id":${JSON.stringify(answerId)}` +
    `,"parameters":{${oneArm}"route_version":${reply.routeVersion}},"outputs":[${wanted.map(outputJson).join(',')}]}`
  );
}

function outputJson({ name, type, shape, texts }: ReplyOutput): string {
  return (
    `{"name":${JSON.stringify(name)},"datatype":"${elementDatatypes[type]}","shape":[${shape.join(',')}]` +
    `,"data":[${texts.join(',')}]}`
  );
}

import { textOfBytes } from '../../../core/byte-text.ts';
import type { RequestTensor, ServedArm } from '../../../lifecycle/serving/index.ts';
import { checkShapeSize, checkTextCount } from '../http/request-size.ts';
import { decodedTexts } from '../oip/base64-texts.ts';
import { described, type InferRequest, readOutputs, refuseReserved } from '../oip/infer-request.ts';
import { refuseTwice, type TensorTarget, tensorTarget } from '../oip/json-tensors.ts';
import { decodeRaw, isDatatype, unknownDatatype, utf8 } from '../oip/raw-tensors.ts';
import { malformed, type RequestContext } from '../request-context.ts';
import {
  type InferInputTensor,
  integerOf,
  type ModelInferRequest,
  plainParameters,
  type TensorContents,
} from './infer-messages.ts';

/** Which list of `contents` a datatype is in; null: raw contents only. */
const contentsOf: Readonly<Record<string, keyof TensorContents | null>> = {
  BOOL: 'bool_contents',
  INT8: 'int_contents',
  INT16: 'int_contents',
  INT32: 'int_contents',
  INT64: 'int64_contents',
  UINT8: 'uint_contents',
  UINT16: 'uint_contents',
  UINT32: 'uint_contents',
  UINT64: 'uint64_contents',
  FP16: null,
  BF16: null,
  FP32: 'fp32_contents',
  FP64: 'fp64_contents',
  BYTES: 'bytes_contents',
};

/** What a caller may ask of a stream; see stream-infer.ts. */
const streamParameters = ['triton_enable_empty_final_response'];

/**
 * Reads ModelInferRequest: tensors raw (one entry of `raw_input_contents` per input) or typed (`contents`), never
 * both. Parameters and headers mean what they mean over REST. Throws `request_malformed`, `invalid_time`.
 *
 * @param arm what will answer; null while the endpoint has nothing
 */
export function readModelInfer(
  message: ModelInferRequest,
  context: RequestContext,
  arm: ServedArm | null,
): InferRequest {
  const { inputs, raw_input_contents: raw } = message;
  if (raw.length > 0 && raw.length !== inputs.length) {
    throw malformed(`the request has ${inputs.length} inputs and ${raw.length} raw_input_contents`);
  }
  const target = tensorTarget(message.model_name, arm);
  const { whole } = target;
  if (inputs.length === 0 && !whole) throw malformed('the request has no inputs');
  const tensors: RequestTensor[] = [];
  let rowCount = inputs.length === 0 ? 1 : -1;
  for (const [i, input] of inputs.entries()) {
    const shape = shapeOf(input, whole);
    const { name, datatype, parameters: own } = input;
    const given = dataOf(input, shape, raw[i] ?? null, target);
    const data = decodedTexts(name, datatype, plainParameters(own).content_type, given, target);
    const rows = whole ? 1 : (shape[0] as number);
    if (rows === 0) throw malformed(`input "${input.name}" has no rows`);
    if (rowCount >= 0 && rows !== rowCount) {
      throw malformed(`input "${input.name}" has ${rows} rows, the one before it has ${rowCount}`);
    }
    rowCount = rows;
    tensors.push({
      name,
      width: data.length / rows,
      data,
      shape: whole ? shape : shape.slice(1),
      datatype,
    });
  }
  if (tensors.length > 1) refuseTwice(tensors);
  const parameters = plainParameters(message.parameters);
  refuseReserved(parameters, streamParameters);
  const outputs = message.outputs.map(({ name, parameters: given }) => ({
    name,
    parameters: plainParameters(given),
  }));
  return {
    ...described(tensors, rowCount, message.id, parameters, context),
    binary: true,
    outputs: readOutputs(outputs, true),
  };
}

function shapeOf({ name, shape }: InferInputTensor, whole: boolean): readonly number[] {
  if (name === '') throw malformed('each input must have a name');
  if (shape.length === 0 && !whole) return [1];
  const sizes = shape.map((size) => Number(integerOf(size)));
  if (!sizes.every((d) => Number.isSafeInteger(d) && d >= 0)) {
    throw malformed(`input "${name}": shape [${sizes.join(', ')}] must be sizes, rows first`);
  }
  checkShapeSize(name, sizes);
  return sizes;
}

function dataOf(
  { name, datatype, parameters, contents }: InferInputTensor,
  shape: readonly number[],
  raw: Uint8Array | null,
  { model, anyBytes }: TensorTarget,
): ArrayLike<unknown> {
  if (parameters.shared_memory_region) {
    throw malformed(`input "${name}" is in shared memory, which is not read here; send its data`);
  }
  const values = contents && valuesOf(name, datatype, contents, anyBytes.has(name));
  if (raw !== null) {
    if (values && values.length > 0) {
      throw malformed(
        `input "${name}" has contents, and the request has raw_input_contents: send one of them`,
      );
    }
    return decodeRaw(name, datatype, shape, raw, model, anyBytes.has(name));
  }
  if (!isDatatype(datatype)) throw unknownDatatype(`input "${name}"`, datatype);
  if (contentsOf[datatype] === null) {
    throw malformed(`input "${name}": datatype ${datatype} is read from raw_input_contents only`);
  }
  const size = shape.reduce((product, d) => product * d, 1);
  const data = values ?? [];
  if (data.length !== size) {
    const text = `shape [${shape.join(', ')}] is ${size} values, ${contentsOf[datatype]} has ${data.length}`;
    throw malformed(`input "${name}": ${text}`);
  }
  return data;
}

function valuesOf(
  name: string,
  datatype: string,
  contents: TensorContents,
  anyBytes: boolean,
): ArrayLike<unknown> | null {
  const list = contentsOf[datatype];
  if (!list) return null;
  if (list === 'bytes_contents') {
    checkTextCount(`input "${name}"`, contents[list].length);
    return contents[list].map((bytes, i) =>
      anyBytes ? textOfBytes(bytes) : utf8(bytes, `input "${name}": element ${i} of BYTES`),
    );
  }
  if (list === 'int64_contents' || list === 'uint64_contents') return contents[list].map(integerOf);
  return contents[list];
}

import { textOfText } from '../../../core/byte-text.ts';
import type { RequestTensor, ServedArm } from '../../../lifecycle/serving/index.ts';
import { isInexact } from '../http/json-body.ts';
import { checkShapeSize, checkTextCount } from '../http/request-size.ts';
import { malformed } from '../request-context.ts';
import { decodedTexts } from './base64-texts.ts';
import { decodeRaw, isDatatype, unknownDatatype } from './raw-tensors.ts';

/** Lists in lists that `data` may have. */
const deepestNesting = 100;

/** An input tensor as a request's JSON declares it. */
interface DeclaredTensor {
  readonly name?: unknown;
  readonly shape?: unknown;
  readonly datatype?: unknown;
  readonly data?: unknown;
  readonly parameters?: Readonly<Record<string, unknown>>;
}

interface ReadTensors {
  readonly tensors: readonly RequestTensor[];
  readonly rowCount: number;
  /** Integers beyond 2^53 came as JSON numbers: the body has to be parsed again to have them exact. */
  readonly inexact: boolean;
}

/** What the tensors of a request are for. */
export interface TensorTarget {
  /** For messages. */
  readonly model: string;
  /** The model takes the tensors of a request as one row, which may be none. */
  readonly whole: boolean;
  /** Inputs whose BYTES need not be UTF-8: those of graphs, which hand texts on as they are. */
  readonly anyBytes: ReadonlySet<string>;
}

const noInputs: ReadonlySet<string> = new Set();

/** @param arm what will answer; null while the endpoint has nothing */
export function tensorTarget(model: string, arm: ServedArm | null): TensorTarget {
  const { tensors, graph } = arm?.model.manifest ?? {};
  if (!tensors) return { model, whole: false, anyBytes: noInputs };
  const texts = graph?.inputs.filter(({ type }) => type === 'string');
  return { model, whole: tensors === 'whole', anyBytes: new Set(texts?.map(({ name }) => name)) };
}

/**
 * Reads the inputs of an inference request: as JSON (`data`, nested or flat, row-major), or as bytes behind the
 * JSON where `parameters.binary_data_size` says how many, one after the other. Throws `request_malformed`.
 *
 * @param raw what follows the JSON; null when nothing was announced to
 */
export function readTensors(inputs: unknown, raw: Buffer | null, target: TensorTarget): ReadTensors {
  const { whole } = target;
  if (!Array.isArray(inputs) || (inputs.length === 0 && !whole))
    throw malformed('"inputs" must be a list of tensors');
  const tensors: RequestTensor[] = [];
  let rowCount = inputs.length === 0 ? 1 : -1;
  let at = 0;
  let inexact = false;
  for (const input of inputs as (DeclaredTensor | null)[]) {
    const name = input?.name;
    if (!input || typeof name !== 'string' || name === '') throw malformed('each input must have a "name"');
    const shape = readShape(name, input.shape, whole);
    const size = input.parameters?.binary_data_size;
    let data: ArrayLike<unknown>;
    if (size === undefined) data = textsInside(name, input, readJsonData(name, input, shape), target);
    else {
      data = readBinaryData(name, input, shape, binarySlice(name, input, raw, at), target);
      at += size as number;
    }
    if (size === undefined && isLong(input.datatype)) inexact ||= someInexact(data);
    const rows = whole ? 1 : (shape[0] as number);
    if (rows === 0) throw malformed(`input "${name}" has no rows`);
    if (rowCount >= 0 && rows !== rowCount) {
      throw malformed(`input "${name}" has ${rows} rows, the one before it has ${rowCount}`);
    }
    rowCount = rows;
    const { datatype } = input as { readonly datatype: string };
    data = decodedTexts(name, datatype, input.parameters?.content_type, data, target);
    tensors.push({ name, width: data.length / rows, data, shape: whole ? shape : shape.slice(1), datatype });
  }
  if (tensors.length > 1) refuseTwice(tensors);
  if (raw && at !== raw.length) {
    throw malformed(`the inputs say they have ${at} bytes behind the JSON, ${raw.length} were sent`);
  }
  return { tensors, rowCount, inexact };
}

/** Throws `request_malformed` when two inputs or wanted outputs have the same name. */
export function refuseTwice(tensors: readonly { readonly name: string }[], kind = 'input'): void {
  const names = new Set<string>();
  for (const { name } of tensors) {
    if (names.has(name)) throw malformed(`${kind} '${name}' already exists in request`);
    names.add(name);
  }
}

/** A tensor without dimensions is one row, as KServe has it, unless the model takes tensors whole. */
function readShape(name: string, shape: unknown, whole: boolean): readonly number[] {
  if (!Array.isArray(shape)) throw malformed(`input "${name}": "shape" must be a list of sizes, rows first`);
  if (shape.length === 0 && !whole) return [1];
  for (const dimension of shape) {
    if (!Number.isInteger(dimension) || dimension < 0) {
      throw malformed(
        `input "${name}": Unable to parse 'shape': attempt to access JSON non-unsigned-integer as unsigned-integer`,
      );
    }
  }
  checkShapeSize(name, shape);
  return shape as number[];
}

function readJsonData(name: string, input: DeclaredTensor, shape: readonly number[]): ArrayLike<unknown> {
  const { datatype, data, parameters } = input;
  if (!isDatatype(datatype)) throw unknownDatatype(`input "${name}"`, datatype);
  if (parameters?.shared_memory_region !== undefined) {
    throw malformed(`input "${name}" is in shared memory, which is not read here; send its data`);
  }
  const isRead = data instanceof Float64Array;
  if (!isRead && !Array.isArray(data)) throw malformed(`input "${name}": "data" must be a list`);
  const flat: ArrayLike<unknown> = !isRead && Array.isArray(data[0]) ? flattened(name, data) : data;
  const size = shape.reduce((product, d) => product * d, 1);
  if (size !== flat.length) {
    throw malformed(
      `input "${name}": shape [${shape.join(', ')}] is ${size} values, "data" has ${flat.length}`,
    );
  }
  if (datatype === 'BYTES') checkTextCount(`input "${name}"`, flat.length);
  return flat;
}

/** Texts as a graph is given them whose texts are any bytes. */
function textsInside(
  name: string,
  { datatype }: DeclaredTensor,
  data: ArrayLike<unknown>,
  { anyBytes }: TensorTarget,
): ArrayLike<unknown> {
  if (datatype !== 'BYTES' || !anyBytes.has(name)) return data;
  return Array.from(data, (value) => (typeof value === 'string' ? textOfText(value) : value));
}

/** Values nested in lists, as deep as Triton takes them. */
function flattened(name: string, data: readonly unknown[]): unknown[] {
  const flat = data.flat(deepestNesting);
  if (!flat.some(Array.isArray)) return flat;
  throw malformed(
    `input "${name}": JSON nesting depth exceeds maximum allowed limit (${deepestNesting}) in "data"`,
  );
}

function binarySlice(name: string, input: DeclaredTensor, raw: Buffer | null, at: number): Buffer {
  const size = input.parameters?.binary_data_size;
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw malformed(`input "${name}": "binary_data_size" must be a number of bytes`);
  }
  if (!raw) {
    throw malformed(
      `input "${name}" has binary data, and the header Inference-Header-Content-Length is missing`,
    );
  }
  if (input.data !== undefined) throw malformed(`input "${name}" has both "data" and binary data`);
  if (at + size > raw.length) {
    throw malformed(
      `input "${name}" has ${size} bytes of binary data, ${raw.length - at} bytes are left of the body`,
    );
  }
  return raw.subarray(at, at + size);
}

function readBinaryData(
  name: string,
  { datatype }: DeclaredTensor,
  shape: readonly number[],
  bytes: Buffer,
  { model, anyBytes }: TensorTarget,
): ArrayLike<unknown> {
  if (typeof datatype !== 'string') throw unknownDatatype(`input "${name}"`, datatype);
  return decodeRaw(name, datatype, shape, bytes, model, anyBytes.has(name));
}

function isLong(datatype: unknown): boolean {
  return datatype === 'INT64' || datatype === 'UINT64';
}

function someInexact(data: ArrayLike<unknown>): boolean {
  for (let i = 0; i < data.length; i++) if (isInexact(data[i])) return true;
  return false;
}

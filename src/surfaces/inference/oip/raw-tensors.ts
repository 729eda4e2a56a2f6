import { bytesOfText, textOfBytes } from '../../../core/byte-text.ts';
import { type HalfType, readHalves, writeHalves } from '../../../core/half-floats.ts';
import { checkTextCount } from '../http/request-size.ts';
import { malformed } from '../request-context.ts';

/**
 * Tensors as bytes, little-endian and row-major, as Triton's `binary_tensor_data` and gRPC's raw contents carry
 * them. Millrace runs on little-endian machines only, so numbers are read and written in the machine's order.
 *
 * - INT64 and UINT64 become numbers where a number is exact (up to 2^53 - 1) and BigInt beyond, value by value.
 * - FP16 and BF16 are widened to single precision, which is exact; writing rounds to nearest, ties to even.
 * - NaN and infinities are kept as they are; whether a model takes them is for the check of its inputs to say.
 * - BYTES elements are a length of 32 bits and that many bytes of UTF-8 text, or, where the model hands texts on as they
 *   are, any bytes: see core/byte-text.ts.
 */

/** A value of a tensor. Null is a text that is none, as models of Python may answer. */
type TensorValue = number | bigint | string | boolean | null;

type NumberArray =
  | Float32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>
  | Int8Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>
  | Int16Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>;

interface NumberArrayType {
  new (buffer: ArrayBuffer, offset: number, length: number): NumberArray;
  readonly BYTES_PER_ELEMENT: number;
}

/** The tensor that bytes are of, and the model that it is for, as messages name them. */
interface Named {
  readonly name: string;
  readonly model: string;
}

interface RawType {
  /** Bytes of one element; null when each says its own length. */
  readonly size: number | null;
  readonly decode: (bytes: Uint8Array, count: number, of: Named, anyBytes: boolean) => ArrayLike<TensorValue>;
  readonly encode: (values: ArrayLike<TensorValue>) => Buffer;
}

const safeHigh = 2 ** 21;
const low32 = 2 ** 32;
const lengthBytes = 4;

const rawTypes: Readonly<Record<string, RawType>> = {
  BOOL: { size: 1, decode: decodeBooleans, encode: encodeBooleans },
  INT8: numbers(Int8Array as NumberArrayType),
  INT16: numbers(Int16Array as NumberArrayType),
  INT32: numbers(Int32Array as NumberArrayType),
  INT64: { size: 8, decode: decodeInt64, encode: (values) => encodeInt64(values, BigInt64Array) },
  UINT8: numbers(Uint8Array as NumberArrayType),
  UINT16: numbers(Uint16Array as NumberArrayType),
  UINT32: numbers(Uint32Array as NumberArrayType),
  UINT64: { size: 8, decode: decodeUint64, encode: (values) => encodeInt64(values, BigUint64Array) },
  FP16: halves('FP16'),
  BF16: halves('BF16'),
  FP32: numbers(Float32Array as NumberArrayType),
  FP64: numbers(Float64Array as NumberArrayType),
  BYTES: { size: null, decode: decodeTexts, encode: encodeTexts },
};

/** All datatypes of the protocol. */
export const rawDatatypes: readonly string[] = Object.keys(rawTypes);

export function isDatatype(datatype: unknown): datatype is string {
  return typeof datatype === 'string' && Object.hasOwn(rawTypes, datatype);
}

/** Bytes of one element; null for BYTES, where each says its own length. */
export function rawSize(datatype: string): number | null {
  return typeOf(datatype)?.size ?? null;
}

/**
 * Reads a tensor from its bytes. Numeric types of up to 32 bits and FP64 are views of `bytes` when they lie
 * aligned there, so `bytes` must not change while the values are in use. Throws `request_malformed` for an
 * unknown datatype, and when shape, lengths and bytes do not agree.
 *
 * @param name of the tensor, for messages
 * @param model that it is for, for messages
 * @param anyBytes whether elements of BYTES need not be UTF-8
 */
export function decodeRaw(
  name: string,
  datatype: string,
  shape: readonly number[],
  bytes: Uint8Array,
  model: string,
  anyBytes = false,
): ArrayLike<TensorValue> {
  const type = typeOf(datatype);
  const what = `input "${name}"`;
  if (!type) throw unknownDatatype(what, datatype);
  if (!shape.every((d) => Number.isSafeInteger(d) && d >= 0)) {
    throw malformed(`${what}: shape [${shape.join(', ')}] must be sizes of 0 or more`);
  }
  const count = shape.reduce((product, d) => product * d, 1);
  if (type.size !== null && count * type.size !== bytes.length) {
    throw malformed(
      `input byte size mismatch for input '${name}' for model '${model}'. Expected ${count * type.size}, got ${bytes.length}: its shape is [${shape.join(', ')}] of ${datatype}`,
    );
  }
  return type.decode(bytes, count, { name, model }, anyBytes);
}

/**
 * Writes values as bytes; the result shares memory with a typed array that already has the layout. Numbers that
 * the datatype cannot hold wrap around as typed arrays do: `datatype` must be the one that the values have.
 */
export function encodeRaw(datatype: string, values: ArrayLike<TensorValue>): Buffer {
  const type = typeOf(datatype);
  if (!type) throw unknownDatatype('output', datatype);
  return type.encode(values);
}

function typeOf(datatype: string): RawType | undefined {
  return Object.hasOwn(rawTypes, datatype) ? rawTypes[datatype] : undefined;
}

/** The error of a datatype that is none, listing what there is. */
export function unknownDatatype(what: string, datatype: unknown) {
  return malformed(
    `${what}: datatype ${JSON.stringify(datatype ?? null).slice(0, 60)} is not a datatype; use one of ${rawDatatypes.join(', ')}`,
  );
}

function numbers(array: NumberArrayType): RawType {
  const size = array.BYTES_PER_ELEMENT;
  return {
    size,
    decode(bytes, count) {
      const { buffer, offset } = aligned(bytes, size);
      return new array(buffer, offset, count);
    },
    encode(values) {
      const made = values instanceof (array as unknown as typeof Float32Array) ? values : null;
      const typed = made ?? (array as unknown as typeof Float32Array).from(values as ArrayLike<number>);
      return bytesOf(typed);
    },
  };
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
}

/** The bytes where a typed array may begin: in place, or copied when they begin between two elements. */
function aligned(bytes: Uint8Array, size: number): { buffer: ArrayBuffer; offset: number } {
  if (bytes.byteOffset % size === 0) return { buffer: bytes.buffer as ArrayBuffer, offset: bytes.byteOffset };
  const buffer = new ArrayBuffer(bytes.length);
  new Uint8Array(buffer).set(bytes);
  return { buffer, offset: 0 };
}

function decodeBooleans(bytes: Uint8Array, count: number, { name }: Named): boolean[] {
  const values = new Array<boolean>(count);
  for (let i = 0; i < count; i++) {
    const byte = bytes[i] as number;
    if (byte > 1) throw malformed(`input "${name}": element ${i} of BOOL is byte ${byte}; use 0 or 1`);
    values[i] = byte === 1;
  }
  return values;
}

function encodeBooleans(values: ArrayLike<TensorValue>): Buffer {
  const bytes = Buffer.allocUnsafe(values.length);
  for (let i = 0; i < values.length; i++) bytes[i] = values[i] ? 1 : 0;
  return bytes;
}

function decodeInt64(bytes: Uint8Array, count: number): (number | bigint)[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const values = new Array<number | bigint>(count);
  for (let i = 0; i < count; i++) {
    const high = view.getInt32(i * 8 + 4, true);
    const value = high * low32 + view.getUint32(i * 8, true);
    values[i] = Number.isSafeInteger(value) ? value : view.getBigInt64(i * 8, true);
  }
  return values;
}

function decodeUint64(bytes: Uint8Array, count: number): (number | bigint)[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const values = new Array<number | bigint>(count);
  for (let i = 0; i < count; i++) {
    const high = view.getUint32(i * 8 + 4, true);
    values[i] = high < safeHigh ? high * low32 + view.getUint32(i * 8, true) : view.getBigUint64(i * 8, true);
  }
  return values;
}

function encodeInt64(
  values: ArrayLike<TensorValue>,
  array: typeof BigInt64Array | typeof BigUint64Array,
): Buffer {
  if (values instanceof array) return bytesOf(values);
  const typed = new array(values.length);
  for (let i = 0; i < values.length; i++) typed[i] = BigInt(values[i] as number | bigint);
  return bytesOf(typed);
}

function halves(type: HalfType): RawType {
  return {
    size: 2,
    decode: (bytes) => readHalves(type, bytes),
    encode: (values) => bytesOf(writeHalves(type, values as ArrayLike<number>)),
  };
}

function decodeTexts(bytes: Uint8Array, count: number, { name, model }: Named, anyBytes: boolean): string[] {
  const what = `input "${name}"`;
  const whose = `for inference input '${name}' for model '${model}'`;
  // Every element takes its length at least: a lying shape cannot make us read more than was sent.
  checkTextCount(what, Math.min(count, Math.ceil(bytes.length / lengthBytes)));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const values: string[] = [];
  let at = 0;
  for (let i = 0; i < count; i++) {
    const left = bytes.length - at;
    if (left === 0) throw malformed(`expected ${count} string elements ${whose}, got ${i}`);
    if (left < lengthBytes) {
      throw malformed(
        `incomplete string length indicator ${whose}, expecting ${lengthBytes} bytes but only ${left} bytes available`,
      );
    }
    const from = at + lengthBytes;
    at = from + view.getUint32(at, true);
    if (at > bytes.length) {
      throw malformed(`${what}: element ${i} of BYTES goes beyond the ${bytes.length} bytes that were sent`);
    }
    const element = bytes.subarray(from, at);
    values.push(anyBytes ? textOfBytes(element) : utf8(element, `${what}: element ${i} of BYTES`));
  }
  if (at !== bytes.length) {
    throw malformed(`unexpected number of string elements ${count + 1} ${whose}, expecting ${count}`);
  }
  return values;
}

/**
 * The text of UTF-8. Throws `request_malformed` for other bytes.
 *
 * @param what they are, for the message
 */
export function utf8(bytes: Uint8Array, what: string): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8');
  // Broken UTF-8 becomes U+FFFD, so only texts with that sign need the strict reader.
  if (!text.includes('\ufffd')) return text;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw malformed(`${what} is not UTF-8 text; send binary values as base64`);
  }
}

function encodeTexts(values: ArrayLike<TensorValue>): Buffer {
  const parts: Buffer[] = [];
  for (let i = 0; i < values.length; i++) {
    const text = bytesOfText(String(values[i] ?? ''));
    const length = Buffer.allocUnsafe(lengthBytes);
    length.writeUInt32LE(text.length);
    parts.push(length, text);
  }
  return Buffer.concat(parts);
}

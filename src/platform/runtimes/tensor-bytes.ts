import { bytesOfText, textOfBytes } from '../../core/byte-text.ts';
import { halfTypes, readHalves, writeHalves } from '../../core/half-floats.ts';
import type { ElementType, GraphTensor } from '../../core/model-package.ts';

/** Datatypes of the Open Inference Protocol by ONNX's names. */
export const datatypes = {
  float: 'FP32',
  double: 'FP64',
  int8: 'INT8',
  uint8: 'UINT8',
  int16: 'INT16',
  uint16: 'UINT16',
  int32: 'INT32',
  uint32: 'UINT32',
  int64: 'INT64',
  uint64: 'UINT64',
  bool: 'BOOL',
  string: 'BYTES',
} as const satisfies Record<ElementType, string>;

/** The datatype that callers know a tensor by. */
export function datatypeOf({ type, datatype }: TensorKind): string {
  return datatype ?? datatypes[type];
}

export type TensorKind = Pick<GraphTensor, 'type' | 'datatype'>;

/** What a tensor of a datatype is here; null for a datatype that the protocol does not have. */
export function kindOf(datatype: string): TensorKind | null {
  const half = halfTypes.find((name) => name === datatype);
  if (half) return { type: 'float', datatype: half };
  const found = Object.entries(datatypes).find(([, name]) => name === datatype);
  return found ? { type: found[0] as ElementType } : null;
}

const writers = {
  float: { bytes: 4, write: (b: Buffer, v: unknown, at: number) => b.writeFloatLE(real(v), at) },
  double: { bytes: 8, write: (b: Buffer, v: unknown, at: number) => b.writeDoubleLE(real(v), at) },
  int8: { bytes: 1, write: (b: Buffer, v: unknown, at: number) => b.writeInt8(Number(v), at) },
  uint8: { bytes: 1, write: (b: Buffer, v: unknown, at: number) => b.writeUInt8(Number(v), at) },
  int16: { bytes: 2, write: (b: Buffer, v: unknown, at: number) => b.writeInt16LE(Number(v), at) },
  uint16: { bytes: 2, write: (b: Buffer, v: unknown, at: number) => b.writeUInt16LE(Number(v), at) },
  int32: { bytes: 4, write: (b: Buffer, v: unknown, at: number) => b.writeInt32LE(Number(v), at) },
  uint32: { bytes: 4, write: (b: Buffer, v: unknown, at: number) => b.writeUInt32LE(Number(v), at) },
  int64: {
    bytes: 8,
    write: (b: Buffer, v: unknown, at: number) => b.writeBigInt64LE(BigInt(v as bigint), at),
  },
  uint64: {
    bytes: 8,
    write: (b: Buffer, v: unknown, at: number) => b.writeBigUInt64LE(BigInt(v as bigint), at),
  },
  bool: { bytes: 1, write: (b: Buffer, v: unknown, at: number) => b.writeUInt8(v ? 1 : 0, at) },
} as const;

/** Arrays that hold the values of a tensor as its bytes lie. */
const numberArrays: Readonly<Partial<Record<ElementType, NumberArrayType>>> = {
  float: Float32Array,
  double: Float64Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
};
type NumberArrayType =
  | typeof Float32Array
  | typeof Float64Array
  | typeof Int8Array
  | typeof Uint8Array
  | typeof Int16Array
  | typeof Uint16Array
  | typeof Int32Array
  | typeof Uint32Array;

function real(value: unknown): number {
  return value === null || value === undefined ? Number.NaN : Number(value);
}

/** Values as a raw little-endian tensor. Throws a `RangeError` or `TypeError` for one that the type cannot hold. */
export function tensorBytes({ type, datatype }: TensorKind, values: ArrayLike<unknown>): Buffer {
  if (datatype) return Buffer.from(writeHalves(datatype, Array.from(values, real)));
  if (type === 'string') {
    const texts = Array.from(values, (v) => bytesOfText(v === null || v === undefined ? '' : String(v)));
    return Buffer.concat(
      texts.flatMap((text) => {
        const length = Buffer.alloc(4);
        length.writeUInt32LE(text.length);
        return [length, text];
      }),
    );
  }
  const { bytes, write } = writers[type];
  const Numbers = numberArrays[type];
  if (Numbers && values instanceof Numbers)
    return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  const buffer = Buffer.allocUnsafe(bytes * values.length);
  for (let i = 0; i < values.length; i++) write(buffer, values[i], i * bytes);
  return buffer;
}

/** The values of a raw tensor. Throws an `Error` when its bytes are not those of so many values. */
export function tensorValues(
  { type, datatype }: TensorKind,
  bytes: Buffer,
  count: number,
): ArrayLike<number | bigint | boolean | string> {
  if (type === 'string') {
    const texts: string[] = [];
    let at = 0;
    while (at < bytes.length) {
      const length = bytes.readUInt32LE(at);
      if (at + 4 + length > bytes.length) throw new Error('a text ends beyond its tensor');
      texts.push(textOfBytes(bytes.subarray(at + 4, at + 4 + length)));
      at += 4 + length;
    }
    if (texts.length !== count) throw new Error(`${texts.length} texts for ${count}`);
    return texts;
  }
  const width = datatype ? 2 : writers[type].bytes;
  if (bytes.length !== width * count)
    throw new Error(`${bytes.length} bytes for ${count} values of ${datatype ?? type}`);
  if (datatype) return readHalves(datatype, bytes);
  const Numbers = numberArrays[type];
  if (Numbers) return new Numbers(new Uint8Array(bytes).buffer);
  if (type === 'bool') return Array.from(bytes, (byte) => byte !== 0);
  return Array.from({ length: count }, (_, i) =>
    plainNumber(type === 'int64' ? bytes.readBigInt64LE(i * width) : bytes.readBigUInt64LE(i * width)),
  );
}

function plainNumber<T>(value: T): T | number {
  return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

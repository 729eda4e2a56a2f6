import type { ElementType } from '../../core/model-package.ts';

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

/** The element type of a datatype; null for one that has none, such as FP16. */
export function elementOf(datatype: string): ElementType | null {
  const found = Object.entries(datatypes).find(([, name]) => name === datatype);
  return found ? (found[0] as ElementType) : null;
}

type Values = readonly unknown[];

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

function real(value: unknown): number {
  return value === null || value === undefined ? Number.NaN : Number(value);
}

/** Values as a raw little-endian tensor. Throws a `RangeError` or `TypeError` for one that the type cannot hold. */
export function tensorBytes(type: ElementType, values: Values): Buffer {
  if (type === 'string') {
    const texts = values.map((v) => Buffer.from(v === null || v === undefined ? '' : String(v)));
    return Buffer.concat(
      texts.flatMap((text) => {
        const length = Buffer.alloc(4);
        length.writeUInt32LE(text.length);
        return [length, text];
      }),
    );
  }
  const { bytes, write } = writers[type];
  const buffer = Buffer.allocUnsafe(bytes * values.length);
  values.forEach((value, i) => {
    write(buffer, value, i * bytes);
  });
  return buffer;
}

const readers: Readonly<Record<keyof typeof writers, (b: Buffer, at: number) => number | bigint | boolean>> =
  {
    float: (b, at) => b.readFloatLE(at),
    double: (b, at) => b.readDoubleLE(at),
    int8: (b, at) => b.readInt8(at),
    uint8: (b, at) => b.readUInt8(at),
    int16: (b, at) => b.readInt16LE(at),
    uint16: (b, at) => b.readUInt16LE(at),
    int32: (b, at) => b.readInt32LE(at),
    uint32: (b, at) => b.readUInt32LE(at),
    int64: (b, at) => b.readBigInt64LE(at),
    uint64: (b, at) => b.readBigUInt64LE(at),
    bool: (b, at) => b.readUInt8(at) !== 0,
  };

/** The values of a raw tensor. Throws an `Error` when its bytes are not those of so many values. */
export function tensorValues(
  type: ElementType,
  bytes: Buffer,
  count: number,
): (number | bigint | boolean | string)[] {
  if (type === 'string') {
    const texts: string[] = [];
    let at = 0;
    while (at < bytes.length) {
      const length = bytes.readUInt32LE(at);
      if (at + 4 + length > bytes.length) throw new Error('a text ends beyond its tensor');
      texts.push(bytes.toString('utf8', at + 4, at + 4 + length));
      at += 4 + length;
    }
    if (texts.length !== count) throw new Error(`${texts.length} texts for ${count}`);
    return texts;
  }
  const width = writers[type].bytes;
  if (bytes.length !== width * count) throw new Error(`${bytes.length} bytes for ${count} values of ${type}`);
  return Array.from({ length: count }, (_, i) => plainNumber(readers[type](bytes, i * width)));
}

function plainNumber<T>(value: T): T | number {
  return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

import { z } from 'zod';
import { fail } from '../../core/errors.ts';
import type { ElementType, SignatureField } from '../../core/model-package.ts';
import { describe, isList, type OutputTensor } from '../onnx/index.ts';
import type { Frame } from './frames.ts';

/**
 * Rows as the columns that python/worker.py reads, and its outputs as tensors. Columns lie one after the other,
 * each padded to eight bytes; texts are their lengths and then their bytes.
 */

type Rows = readonly (readonly unknown[])[];

const alignment = 8;
const missingLength = 0xffffffff;

interface NumberKind {
  readonly bytes: number;
  readonly expected: string;
  readonly write: (into: Buffer, value: unknown, at: number) => void;
  /** The values of a typed array as the type's own; null where one of them may not be a value of the type. */
  readonly typed?: (list: ArrayLike<unknown>) => Float32Array | Float64Array | null;
}

const real = (value: unknown) => (value === null || value === undefined ? Number.NaN : Number(value));

function isFloats(list: ArrayLike<unknown>): list is Float32Array | Float64Array {
  return list instanceof Float32Array || list instanceof Float64Array;
}

const numberKinds: Readonly<Partial<Record<SignatureField['type'], NumberKind>>> = {
  double: {
    bytes: 8,
    expected: 'a number',
    write: (into, value, at) => into.writeDoubleLE(real(value), at),
    typed: (list) => (isFloats(list) ? Float64Array.from(list) : null),
  },
  float: {
    bytes: 4,
    expected: 'a number',
    write: (into, value, at) => into.writeFloatLE(real(value), at),
    typed: (list) => (isFloats(list) ? Float32Array.from(list) : null),
  },
  integer: {
    bytes: 4,
    expected: 'an integer of 32 bits',
    write: (into, value, at) => into.writeInt32LE(Number(value), at),
  },
  long: {
    bytes: 8,
    expected: 'an integer',
    write: (into, value, at) => into.writeBigInt64LE(BigInt(value as bigint), at),
  },
  boolean: {
    bytes: 1,
    expected: 'true or false',
    write: (into, value, at) => into.writeUInt8(value ? 1 : 0, at),
  },
};

/** Values per row of a field; a free dimension counts as 1. */
function widthOf(field: SignatureField): number {
  return field.shape.reduce((product, d) => product * Math.max(1, d), 1);
}

/**
 * The columns of rows whose cells are in the order of the fields. A missing number is NaN, a missing text is told
 * apart from an empty one; a missing integer or boolean, a value that its type cannot hold, and a text that is not the
 * JSON that it should be, throws `input_invalid`.
 *
 * @param without names of columns that are left out
 */
export function encodeColumns(
  fields: readonly SignatureField[],
  rows: Rows,
  without: ReadonlySet<string> = new Set(),
): Buffer {
  const sent = fields.map((field, position) => ({ field, position }));
  const columns = sent
    .filter(({ field }) => !without.has(field.name))
    .map(({ field, position }) => {
      const width = widthOf(field);
      const kind = numberKinds[field.type];
      if (kind)
        return { field, width, kind, position, bytes: padded(kind.bytes * width * rows.length), texts: [] };
      const texts = rows.flatMap((row) => textCells(row[position], width));
      if (field.json && !field.request) for (const row of rows) requireJson(field, row[position]);
      const textBytes = texts.reduce((sum, text) => sum + (text?.length ?? 0), 0);
      return { field, width, kind, position, texts, bytes: padded(4 * texts.length + textBytes) };
    });
  const body = Buffer.alloc(columns.reduce((sum, c) => sum + c.bytes, 0));
  let at = 0;
  for (const { field, width, kind, position, texts, bytes } of columns) {
    if (kind) writeNumbers(body, at, field, kind, width, rows, position);
    else writeTexts(body, at, texts);
    at += bytes;
  }
  return body;
}

function writeNumbers(
  body: Buffer,
  from: number,
  field: SignatureField,
  kind: NumberKind,
  width: number,
  rows: Rows,
  position: number,
): void {
  let at = from;
  for (const row of rows) {
    const cell = row[position];
    const list = isList(cell) ? cell : null;
    const typed = list?.length === width ? kind.typed?.(list) : null;
    if (typed) {
      body.set(new Uint8Array(typed.buffer), at);
      at += typed.byteLength;
      continue;
    }
    for (let i = 0; i < width; i++, at += kind.bytes) {
      const value = list ? list[i] : cell;
      try {
        kind.write(body, value, at);
      } catch (cause) {
        const { expected } = kind;
        throw fail('input_invalid', { input: field.name, row: '', value: describe(value), expected }, cause);
      }
    }
  }
}

function requireJson({ name }: SignatureField, cell: unknown): void {
  if (typeof cell !== 'string') return;
  try {
    JSON.parse(cell);
  } catch (cause) {
    throw fail(
      'input_invalid',
      { input: name, row: '', value: describe(cell), expected: 'a text of JSON' },
      cause,
    );
  }
}

function textCells(cell: unknown, width: number): (Buffer | null)[] {
  const values = width === 1 && !isList(cell) ? [cell] : Array.from(cell as ArrayLike<unknown>);
  return values.map((value) => (value === null || value === undefined ? null : Buffer.from(String(value))));
}

function writeTexts(body: Buffer, from: number, texts: readonly (Buffer | null)[]): void {
  let at = from;
  for (const text of texts) at = body.writeUInt32LE(text === null ? missingLength : text.length, at);
  for (const text of texts) if (text) at += text.copy(body, at);
}

const arrays = {
  float: (b: ArrayBuffer) => new Float32Array(b),
  double: (b: ArrayBuffer) => new Float64Array(b),
  int8: (b: ArrayBuffer) => new Int8Array(b),
  uint8: (b: ArrayBuffer) => new Uint8Array(b),
  int16: (b: ArrayBuffer) => new Int16Array(b),
  uint16: (b: ArrayBuffer) => new Uint16Array(b),
  int32: (b: ArrayBuffer) => new Int32Array(b),
  uint32: (b: ArrayBuffer) => new Uint32Array(b),
  int64: (b: ArrayBuffer) => new BigInt64Array(b),
  uint64: (b: ArrayBuffer) => new BigUint64Array(b),
  bool: (b: ArrayBuffer) => Array.from(new Uint8Array(b), (v) => v === 1),
} as const;

const answeredSchema = z
  .enum(['row', 'columns'])
  .nullish()
  .transform((word) => word ?? undefined);

interface DescribedOutput {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly bytes: number;
  readonly json?: true;
}

/** Reads what a worker answered to rows. Throws an `Error` for an answer that contradicts itself. */
export function decodeOutputs({ header, body }: Frame, rowCount: number): readonly OutputTensor[] {
  const answered = answeredSchema.parse(header.answered);
  let at = 0;
  return (header.outputs as readonly DescribedOutput[]).map(({ name, type, shape, bytes, json }) => {
    const count = shape.reduce((product, d) => product * d, 1);
    if (at + bytes > body.length) throw new Error(`output "${name}" ends beyond its frame`);
    const data = valuesOf(type, body.subarray(at, at + bytes), count);
    if (data.length !== count) throw new Error(`output "${name}" has ${data.length} values for ${shape}`);
    at += padded(bytes);
    return { name, type, shape, width: rowCount === 0 ? 0 : count / rowCount, data, json, answered };
  });
}

function valuesOf(type: ElementType, bytes: Buffer, count: number): OutputTensor['data'] {
  if (type === 'string') return textsOf(bytes, count);
  // Copied, since a typed array must begin at a multiple of its element's size.
  const copy = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
  const values = arrays[type](copy);
  if (!(values instanceof BigInt64Array || values instanceof BigUint64Array)) return values;
  const numbers = Array.from(values, Number);
  return numbers.every(Number.isSafeInteger) ? numbers : values;
}

function textsOf(bytes: Buffer, count: number): (string | null)[] {
  const texts: (string | null)[] = [];
  let at = 4 * count;
  for (let i = 0; i < count; i++) {
    const length = bytes.readUInt32LE(4 * i);
    if (length === missingLength) {
      texts.push(null);
      continue;
    }
    texts.push(bytes.toString('utf8', at, at + length));
    at += length;
  }
  return texts;
}

function padded(bytes: number): number {
  return Math.ceil(bytes / alignment) * alignment;
}

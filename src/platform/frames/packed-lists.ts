import { shortFloat } from '../../core/short-float.ts';

/**
 * Long lists of numbers as text that costs a hundredth of JSON to write: the kind of the numbers, the dimensions, and
 * the numbers' bytes (little-endian) in base64, as in `f32[3,224,224]AACAPw…`. Who reads the text with DuckDB makes
 * JSON of it with the functions that `unpackingSql` names.
 */

const kinds = {
  f32: Float32Array,
  f64: Float64Array,
  i8: Int8Array,
  u8: Uint8Array,
  i16: Int16Array,
  u16: Uint16Array,
  i32: Int32Array,
  u32: Uint32Array,
  i64: BigInt64Array,
  u64: BigUint64Array,
} as const;
type Kind = keyof typeof kinds;
type Numbers =
  | BigInt64Array
  | BigUint64Array
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array;

const kindOf = new Map<unknown, Kind>(Object.entries(kinds).map(([kind, type]) => [type, kind as Kind]));

/** Shorter lists are as quick to write as JSON, which people can read. */
export const shortestPacked = 64;

/**
 * The packed text of a list of numbers; null for a list that is short, or holds anything else than numbers.
 *
 * @param values a typed array, or a list of numbers, which are kept in double precision
 * @param dims dimensions of the JSON that it becomes; their product is the number of values
 */
export function packedList(
  values: ArrayLike<unknown>,
  dims: readonly number[] = [values.length],
): string | null {
  if (values.length < shortestPacked) return null;
  const kind = kindOf.get(values.constructor);
  if (!kind && !(Array.isArray(values) && values.every((value) => typeof value === 'number'))) return null;
  const numbers = kind ? (values as Numbers) : Float64Array.from(values as readonly number[]);
  const bytes = Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength);
  return `${kind ?? 'f64'}[${dims.join(',')}]${bytes.toString('base64')}`;
}

const form = /^([fiu]\d+)\[(\d+(?:,\d+)*)\]([A-Za-z0-9+/]*={0,2})$/;

/** The JSON of a packed list, as `numbersJson` writes it. Text that is no packed list is returned as it is. */
export function unpackedList(text: string): string {
  const [, kind = '', sizes = '', base64 = ''] = form.exec(text) ?? [];
  const type = Object.hasOwn(kinds, kind) ? kinds[kind as Kind] : null;
  if (!type) return text;
  const dims = sizes.split(',').map(Number);
  const count = dims.reduce((product, d) => product * d, 1);
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length !== count * type.BYTES_PER_ELEMENT) return text;
  return numbersJson(new type(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)), dims);
}

/**
 * Numbers as JSON, nested by their dimensions: single-precision numbers with the fewest digits that name them, NaN and
 * infinities, which JSON has not, as null.
 */
export function numbersJson(numbers: Numbers, dims: readonly number[]): string {
  return nestedJson(numbers, dims, 0, 0, numbers.length);
}

function nestedJson(
  numbers: Numbers,
  dims: readonly number[],
  depth: number,
  from: number,
  size: number,
): string {
  if (depth === dims.length) return numberJson(numbers[from] as number | bigint, numbers);
  const count = dims[depth] as number;
  const part = count === 0 ? 0 : size / count;
  const parts = Array.from({ length: count }, (_, i) =>
    nestedJson(numbers, dims, depth + 1, from + i * part, part),
  );
  return `[${parts.join(',')}]`;
}

function numberJson(value: number | bigint, numbers: Numbers): string {
  if (typeof value === 'number' && !Number.isFinite(value)) return 'null';
  return String(numbers instanceof Float32Array ? shortFloat(value as number) : value);
}

/** A member of a packed object: its name, and the text of its value, which is a packed list or JSON. */
type PackedMember = readonly [name: string, text: string, isPacked: boolean];

/** The JSON of an object whose members are `[name, text, isPacked]`; an object, and what is no JSON, stays as it is. */
export function unpackedObject(text: string): string {
  if (!text.startsWith('[')) return text;
  let members: readonly PackedMember[];
  try {
    members = JSON.parse(text) as readonly PackedMember[];
  } catch {
    return text;
  }
  return `{${members.map(([name, value, isPacked]) => `${JSON.stringify(name)}:${isPacked ? unpackedList(value) : value}`).join(',')}}`;
}

/** DuckDB's names of the functions that make JSON of packed text. */
export const unpackingSql = { list: 'unpack_list', object: 'unpack_object' } as const;

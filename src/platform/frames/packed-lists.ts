import type { NumberArray } from '../../core/number-array.ts';
import { shortFloat } from '../../core/short-float.ts';

/**
 * Long lists of numbers as text that costs a hundredth of JSON to write and to keep: a mark, the kind of the numbers,
 * the dimensions, and the numbers' bytes (little-endian) in base64, as in `packed:f32[3,224,224]AACAPw…`. The prediction
 * log has images and embeddings so; whoever reads them makes JSON of it.
 */

const mark = 'packed:';
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
  const numbers = kind ? (values as NumberArray) : Float64Array.from(values as readonly number[]);
  const bytes = Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength);
  return `${mark}${kind ?? 'f64'}[${dims.join(',')}]${bytes.toString('base64')}`;
}

/**
 * Text with JSON, as `numbersJson` writes it, for each packed list in it: the text itself, or texts in an object. What
 * only looks like a packed list stays as it is.
 */
export function unpacked(text: string): string {
  if (text.startsWith(mark)) return listJson(text) ?? text;
  return text.replaceAll(/"(packed:[^"\\]*)"/g, (quoted, packed: string) => listJson(packed) ?? quoted);
}

/** SQL for a column of text with JSON for each packed list in it. */
export function unpackedSql(column: string): string {
  return `CASE WHEN contains(${column}, '${mark}') THEN ${unpackFunction}(${column}) ELSE ${column} END`;
}

/** DuckDB's name of `unpacked`. */
export const unpackFunction = 'unpack_numbers';

const form = /^packed:([fiu]\d+)\[(\d+(?:,\d+)*)\]([A-Za-z0-9+/]*={0,2})$/;

function listJson(packed: string): string | null {
  const [, kind = '', sizes = '', base64 = ''] = form.exec(packed) ?? [];
  const type = Object.hasOwn(kinds, kind) ? kinds[kind as Kind] : null;
  const dims = sizes.split(',').map(Number);
  const count = dims.reduce((product, d) => product * d, 1);
  const bytes = Buffer.from(base64, 'base64');
  if (!type || count < shortestPacked || bytes.length !== count * type.BYTES_PER_ELEMENT) return null;
  return numbersJson(new type(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)), dims);
}

/**
 * Numbers as JSON, nested by their dimensions: single-precision numbers with the fewest digits that name them, NaN and
 * infinities, which JSON has not, as null.
 */
export function numbersJson(numbers: NumberArray, dims: readonly number[]): string {
  return nestedJson(numbers, dims, 0, 0, numbers.length);
}

function nestedJson(
  numbers: NumberArray,
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

function numberJson(value: number | bigint, numbers: NumberArray): string {
  if (typeof value === 'number' && !Number.isFinite(value)) return 'null';
  return String(numbers instanceof Float32Array ? shortFloat(value as number) : value);
}

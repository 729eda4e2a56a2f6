import { jsonOfBigInts } from '../../../core/exact-json.ts';
import type { ColumnType, ModelSignature, SignatureField } from '../../../core/model-package.ts';
import type { RequestTensor } from '../../../lifecycle/serving/index.ts';
import { malformed } from '../request-context.ts';

type Cast = (value: unknown) => unknown;

const numberText = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$/;
const integerText = /^\s*[+-]?\d+(?:\.0*)?\s*$/;
const missingTexts: ReadonlySet<string> = new Set([
  '',
  'NaN',
  'nan',
  'NA',
  'N/A',
  'null',
  'NULL',
  'None',
  '<NA>',
]);
const booleanTexts: ReadonlyMap<unknown, boolean> = new Map<unknown, boolean>([
  ['true', true],
  ['True', true],
  ['TRUE', true],
  ['false', false],
  ['False', false],
  ['FALSE', false],
  [1, true],
  [0, false],
]);

/**
 * Casts that lose nothing, by the type of a column: what cannot be cast so is left for the check of the row, which
 * refuses it with the column's name. A text becomes a number only when it is one, a whole number stays whole.
 */
const casts: Readonly<Record<ColumnType, Cast | null>> = {
  double: toNumber,
  float: toNumber,
  long: toInteger,
  integer: toInteger,
  boolean: (value) => booleanTexts.get(value) ?? missing(value),
  string: null,
  datetime: null,
  binary: null,
};

/** A nested value as the text of its JSON, which it may be already. */
export function nestedText(value: unknown): unknown {
  if (value === null || value === undefined) return value;
  return typeof value === 'string' && /^\s*[[{]/.test(value) ? value : jsonOfBigInts(value);
}

function toNumber(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'string') return value;
  return numberText.test(value) ? Number(value) : missing(value);
}

function toInteger(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  if (!integerText.test(value)) return missing(value);
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : BigInt(value.replace(/\.0*/, '').replace('+', '').trim());
}

function missing(value: unknown): unknown {
  return typeof value === 'string' && missingTexts.has(value.trim()) ? null : value;
}

/** The first stage of MLflow's enforcement: the columns that the signature knows, cast to its types. */
export function castColumns(
  tensors: readonly RequestTensor[],
  signature: ModelSignature,
): readonly RequestTensor[] {
  const fields = new Map(signature.inputs.map((field) => [field.name, field]));
  return tensors.map((tensor) => {
    const field = fields.get(tensor.name);
    return field ? castColumn(tensor, field) : tensor;
  });
}

/** The same for one that may be a text itself. */
function anyText(value: unknown): unknown {
  return value === null || value === undefined ? value : jsonOfBigInts(value);
}

function castColumn(tensor: RequestTensor, { type, shape, json, any }: SignatureField): RequestTensor {
  const cast = any ? anyText : json ? nestedText : casts[type];
  if (shape.length > 0) return flatColumn(tensor, cast, shape);
  return cast ? { ...tensor, data: Array.from(tensor.data, cast) } : tensor;
}

/**
 * A column of tensors with the values of all rows one after the other: nested as the shape is, or flat. Throws
 * `request_malformed` for rows of different sizes and those that are nested otherwise, whose values would be taken for
 * others; a column with a cell that is no list is left to be refused.
 */
function flatColumn(tensor: RequestTensor, cast: Cast | null, shape: readonly number[]): RequestTensor {
  const cells = Array.from(tensor.data);
  const [first] = cells;
  if (!Array.isArray(first) || !cells.every(Array.isArray)) return tensor;
  const rows = (cells as unknown[][]).map((cell) => cell.flat(Number.POSITIVE_INFINITY));
  const width = rows[0]?.length ?? 0;
  const odd = rows.findIndex((row) => row.length !== width);
  if (odd > 0) {
    throw malformed(`row ${odd} of "${tensor.name}" has ${rows[odd]?.length} values, the first has ${width}`);
  }
  for (const [i, cell] of (cells as unknown[][]).entries()) {
    const sizes = sizesOf(cell);
    if (!fits(sizes, shape))
      throw malformed(
        `row ${i} of "${tensor.name}" has the shape [${sizes.join(', ')}], not [${shape.join(', ')}]`,
      );
  }
  const data = rows.flat();
  return { ...tensor, width, data: cast ? data.map(cast) : data, shape: sizesOf(first) };
}

/** Are lists of these sizes a tensor of this shape, or its values in one list? How many these are is checked later. */
function fits(sizes: readonly number[], shape: readonly number[]): boolean {
  if (sizes.length === 1) return true;
  return sizes.length === shape.length && shape.every((size, i) => size < 0 || size === sizes[i]);
}

/** The sizes of nested lists, by the first of each. */
function sizesOf(list: readonly unknown[]): number[] {
  const [first] = list;
  return [list.length, ...(Array.isArray(first) ? sizesOf(first) : [])];
}

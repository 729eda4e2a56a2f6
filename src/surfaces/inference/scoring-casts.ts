import type { ColumnType, ModelSignature, SignatureField } from '../../core/model-package.ts';
import type { RequestTensor } from '../../lifecycle/serving/index.ts';

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

function castColumn(tensor: RequestTensor, { type, shape }: SignatureField): RequestTensor {
  const cast = casts[type];
  const data = Array.from(tensor.data);
  if (shape.length > 0) return { ...tensor, data: data.map((cell) => flatCell(cell, cast)) };
  return cast ? { ...tensor, data: data.map(cast) } : tensor;
}

/** The values of a tensor's cell one after the other, however they are nested. */
function flatCell(cell: unknown, cast: Cast | null): unknown {
  if (!Array.isArray(cell)) return cell;
  const flat: unknown[] = Array.isArray(cell[0]) ? cell.flat(Number.POSITIVE_INFINITY) : cell;
  return cast ? flat.map(cast) : flat;
}

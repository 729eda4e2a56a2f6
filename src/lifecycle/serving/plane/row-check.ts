import { z } from 'zod';
import { fail, type MillraceError } from '../../../core/errors.ts';
import { overflowAt } from '../../../core/half-floats.ts';
import type { ModelSignature, SignatureField } from '../../../core/model-package.ts';
import { describe, type FlatCells, isList, type RowBlock } from '../../../platform/onnx/index.ts';

/** What serving reads of a data contract; the data slice owns the whole of it. */
export const featureContractSchema = z.object({
  columns: z.array(
    z.object({
      name: z.string(),
      required: z.boolean().default(true),
      range: z.object({ min: z.number(), max: z.number() }).nullable().default(null),
      categories: z.array(z.string()).nullable().default(null),
    }),
  ),
});
export type FeatureContract = z.infer<typeof featureContractSchema>;

/** A value that is allowed but worth knowing of. */
export interface RowFlag {
  readonly feature: string;
  readonly kind: 'missing' | 'unseen-category' | 'out-of-range';
}

type Verdict = 'ok' | 'refuse' | RowFlag['kind'];
type CellCheck = (value: unknown) => Verdict;

const int32Limit = 2 ** 31;
/** RFC 4648, section 4, in lines or not: MLflow's own clients end each with a line feed. */
function isBase64(text: string): boolean {
  const joined = text.replaceAll(/\s/g, '');
  return joined.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(joined);
}
/** Their values are numbers, and none of them says that there is none. */
const neverMissing: ReadonlySet<SignatureField['type']> = new Set(['long', 'integer', 'boolean']);
const isMissing = (value: unknown) =>
  value === null || value === undefined || (typeof value === 'number' && Number.isNaN(value));

/** Does a present value have the type? NaN is missing, infinities are refused. */
const typeChecks: Readonly<Record<SignatureField['type'], (value: unknown) => boolean>> = {
  double: (v) => typeof v === 'number' && Number.isFinite(v),
  float: (v) => typeof v === 'number' && Math.abs(v) < overflowAt.FP32,
  // The column does not say whether it is signed; the tensor that it fills knows its own bounds.
  long: (v) => (typeof v === 'bigint' ? v >= -(2n ** 63n) && v < 2n ** 64n : Number.isSafeInteger(v)),
  integer: (v) => typeof v === 'number' && Number.isInteger(v) && v >= -int32Limit && v < int32Limit,
  boolean: (v) => typeof v === 'boolean',
  string: (v) => typeof v === 'string',
  datetime: (v) => typeof v === 'string',
  binary: (v) => typeof v === 'string' && isBase64(v),
};

const typeNames: Readonly<Record<SignatureField['type'], string>> = {
  double: 'a number',
  float: 'a number',
  long: 'an integer',
  integer: 'an integer of 32 bits',
  boolean: 'true or false',
  string: 'a string',
  datetime: 'an RFC 3339 time as a string',
  binary: 'base64 text',
};

/**
 * Checks rows against a model's signature and the data contract behind it. A wrong type, or a missing value
 * where one is required, is refused; a category or a number outside what training saw is let through and
 * flagged, because the world moves and the model has to answer.
 */
export class RowCheck {
  readonly #fields: readonly SignatureField[];
  readonly #checks: readonly CellCheck[];
  /** Bounds of the numbers that are fit beyond doubt, by input; empty for inputs where it takes more to know. */
  readonly #lows: Float64Array;
  readonly #highs: Float64Array;

  /** @param tensors the model is served by its tensors: bindTensors has checked the values */
  constructor(signature: ModelSignature, contract: FeatureContract | null, tensors = false) {
    const known = new Map(contract?.columns.map((c) => [c.name, c]));
    this.#fields = signature.inputs;
    this.#checks = tensors ? [] : signature.inputs.map((field) => cellCheck(field, known.get(field.name)));
    const bounds = signature.inputs.map((field) => plainBounds(field, known.get(field.name)));
    this.#lows = Float64Array.from(bounds, ([low]) => low);
    this.#highs = Float64Array.from(bounds, ([, high]) => high);
  }

  /**
   * Checks the rows of a request, and returns the flags of each. Errors: those of `check`.
   *
   * @param numberOf a row's number for the message, or null when the request has only one
   */
  checkBlock(
    block: RowBlock,
    numberOf: (row: number) => number | null,
    endpoint: string,
  ): (readonly RowFlag[] | null)[] {
    const { flat, rowCount } = block;
    const flags = new Array<readonly RowFlag[] | null>(rowCount).fill(null);
    for (let row = 0; row < rowCount; row++) {
      if (flat && this.#isPlain(flat, row)) continue;
      flags[row] = this.check(block.row(row), numberOf(row), endpoint);
    }
    return flags;
  }

  /** Are all cells of a row numbers within their bounds? */
  #isPlain({ data, from, width }: FlatCells, row: number): boolean {
    const lows = this.#lows;
    const highs = this.#highs;
    const start = from + row * width;
    for (let c = 0; c < width; c++) {
      const value = data[start + c];
      if (typeof value !== 'number') return false;
      if (!(value >= (lows[c] as number) && value <= (highs[c] as number))) return false;
    }
    return this.#checks.length === width;
  }

  /**
   * Checks one row, its cells in the order of the signature. Returns its flags (null when there are none).
   * Throws `input_missing` or `input_invalid`, naming input, value and expectation.
   *
   * @param row the row's number for the message, or null when the request has only one
   */
  check(cells: readonly unknown[], row: number | null, endpoint: string): readonly RowFlag[] | null {
    let flags: RowFlag[] | null = null;
    const checks = this.#checks;
    for (let i = 0; i < checks.length; i++) {
      const verdict = (checks[i] as CellCheck)(cells[i]);
      if (verdict === 'ok') continue;
      const field = this.#fields[i] as SignatureField;
      if (verdict === 'refuse') throw refusal(field, cells[i], row, endpoint);
      flags ??= [];
      flags.push({ feature: field.name, kind: verdict });
    }
    return flags;
  }
}

function refusal(field: SignatureField, value: unknown, row: number | null, endpoint: string): MillraceError {
  return fail('input_invalid', {
    input: field.name,
    row: row === null ? '' : ` of row ${row}`,
    value: typeof value === 'number' && Number.isNaN(value) ? 'NaN' : describe(value),
    expected: expectation(field),
    endpoint,
  });
}

/** What an input has to be, in words. */
export function expectation(field: SignatureField): string {
  const name = typeNames[field.type];
  return field.shape.length === 0 ? name : `a list of shape [${field.shape.join(', ')}], each ${name}`;
}

/** Of single precision. */
const largestFloat = 2 ** 128 - 2 ** 104;

const real = ({ type }: SignatureField) => type === 'double' || type === 'float';

/** Between these a number needs no further look: finite, and within the contract's range. Empty when nothing is. */
function plainBounds(
  field: SignatureField,
  column: FeatureContract['columns'][number] | undefined,
): readonly [number, number] {
  if (!real(field) || field.shape.length > 0) return [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  const most = field.type === 'float' ? largestFloat : Number.MAX_VALUE;
  const range = column?.range ?? { min: -most, max: most };
  return [Math.max(range.min, -most), Math.min(range.max, most)];
}

function everyFits(values: ArrayLike<unknown>, fits: (value: unknown) => boolean): boolean {
  for (let i = 0; i < values.length; i++) if (!fits(values[i])) return false;
  return true;
}

function cellCheck(field: SignatureField, column: FeatureContract['columns'][number] | undefined): CellCheck {
  const fits = typeChecks[field.type];
  if (field.shape.length > 0) {
    const size = field.shape.some((d) => d < 0) ? null : field.shape.reduce((a, b) => a * b, 1);
    const each = field.nullable && real(field) ? (v: unknown) => isMissing(v) || fits(v) : fits;
    return (value) =>
      isList(value) && (size === null || value.length === size) && everyFits(value, each) ? 'ok' : 'refuse';
  }
  const holdsMissing = !neverMissing.has(field.type);
  const mayMiss = column ? !field.required || column.required === false : !field.required || field.nullable;
  const onMissing: Verdict = holdsMissing && mayMiss ? 'missing' : 'refuse';
  const onOmitted: Verdict = field.omittable ? 'missing' : onMissing;
  const range = column?.range ?? null;
  const categories = column?.categories ? new Set<unknown>(column.categories) : null;
  return (value) => {
    if (value === undefined) return onOmitted;
    if (isMissing(value)) return onMissing;
    if (!fits(value)) return 'refuse';
    if (range !== null && typeof value === 'number' && (value < range.min || value > range.max))
      return 'out-of-range';
    if (categories !== null && typeof value === 'string' && !categories.has(value)) return 'unseen-category';
    return 'ok';
  };
}

import { Tensor } from 'onnxruntime-node';
import { fail } from '../../core/errors.ts';
import { asHalves } from '../../core/half-floats.ts';
import type { ElementType, GraphInput, GraphTensor } from '../../core/model-package.ts';
import type { NumberArray } from '../../core/number-array.ts';
import type { GraphOutput } from './session.ts';

/** The values of a column: an array in row order; null and undefined are missing values. */
export type ColumnValues = ArrayLike<unknown>;

/** One output tensor; `data` is row-major and `width` values long per row, int64 as numbers where exact. */
/**
 * What the outputs of rows were in the model's own answer: `row`, all of an answer to one row; `columns`, lists by name.
 * Left out for a list of rows.
 */
export type Answered = 'row' | 'columns';

export interface OutputTensor {
  readonly name: string;
  readonly type: ElementType;
  readonly shape: readonly number[];
  readonly width: number;
  /** Null is a text that is none. */
  readonly data: ArrayLike<number | bigint | string | boolean | null>;
  /** What callers know it by where that is not its type's name; see graphTensorSchema. */
  readonly datatype?: GraphTensor['datatype'];
  /** Set where the values are texts of JSON: what a model gave nested. */
  readonly json?: true | undefined;
  readonly answered?: Answered | undefined;
}

interface ElementKind {
  /** onnxruntime's name of the type. */
  readonly runtime: string;
  readonly make: (length: number) => NumberArray | string[];
}

/** How each element type is held. Booleans take a byte each. */
export const kinds: Readonly<Record<ElementType, ElementKind>> = {
  float: { runtime: 'float32', make: (n) => new Float32Array(n) },
  double: { runtime: 'float64', make: (n) => new Float64Array(n) },
  int8: { runtime: 'int8', make: (n) => new Int8Array(n) },
  uint8: { runtime: 'uint8', make: (n) => new Uint8Array(n) },
  int16: { runtime: 'int16', make: (n) => new Int16Array(n) },
  uint16: { runtime: 'uint16', make: (n) => new Uint16Array(n) },
  int32: { runtime: 'int32', make: (n) => new Int32Array(n) },
  uint32: { runtime: 'uint32', make: (n) => new Uint32Array(n) },
  int64: { runtime: 'int64', make: (n) => new BigInt64Array(n) },
  uint64: { runtime: 'uint64', make: (n) => new BigUint64Array(n) },
  bool: { runtime: 'bool', make: (n) => new Uint8Array(n) },
  string: { runtime: 'string', make: (n) => new Array<string>(n) },
};

/** Where a column's cells are: row arrays with a position (requests) or column arrays (evaluation). */
export interface CellSource {
  readonly rowCount: number;
  column(name: string): (row: number) => unknown;
}

/** Columns side by side in a graph input: the cells of one column are `width` long. */
export interface InputColumn {
  readonly name: string;
  readonly width: number;
}

/**
 * Builds the tensor of one graph input from its columns, laid side by side in each row.
 * Missing values become NaN in floating-point inputs and '' in string inputs; an integer or boolean input
 * has no missing value, so they throw `input_invalid`, as a value does that the type cannot hold.
 */
export function fillTensor(input: GraphInput, columns: readonly InputColumn[], cells: CellSource): Tensor {
  const rowWidth = columns.reduce((sum, c) => sum + c.width, 0);
  const kind = kinds[input.type];
  const data = kind.make(cells.rowCount * rowWidth);
  let offset = 0;
  for (const column of columns) {
    fillColumn(data, input.type, column, offset, rowWidth, cells);
    offset += column.width;
  }
  const dims =
    input.shape.length <= 1 ? [cells.rowCount] : [cells.rowCount, ...freeDims(input.shape, rowWidth)];
  return new Tensor(kind.runtime as 'float32', data as Float32Array, dims);
}

/** What an input is given that takes its default. */
export function emptyTensor(type: ElementType): Tensor {
  const { runtime, make } = kinds[type];
  return new Tensor(runtime as 'float32', make(0) as Float32Array, [0]);
}

/** The dimensions after the batch; one free dimension takes what the row's width leaves. */
function freeDims(shape: readonly number[], rowWidth: number): number[] {
  const fixed = shape.slice(1).reduce((product, d) => (d > 0 ? product * d : product), 1);
  return shape.slice(1).map((d) => (d > 0 ? d : Math.max(1, rowWidth / fixed)));
}

function fillColumn(
  data: ReturnType<ElementKind['make']>,
  type: ElementType,
  column: InputColumn,
  offset: number,
  rowWidth: number,
  cells: CellSource,
): void {
  const cell = cells.column(column.name);
  const convert = converters[type];
  const into = data as unknown[];
  for (let row = 0, at = offset; row < cells.rowCount; row++, at += rowWidth) {
    const value = cell(row);
    if (typeof value !== 'object' || value === null) {
      if (column.width !== 1) throw invalid(column.name, value, `${column.width} values`);
      into[at] = convert(value, column.name);
      continue;
    }
    const list = value as ArrayLike<unknown>;
    if (list.length !== column.width) {
      throw invalid(column.name, `of ${list.length} values`, `${column.width} values, as in the row before`);
    }
    if (copyNumbers(data, at, list)) continue;
    for (let i = 0; i < column.width; i++) into[at + i] = convert(list[i], column.name);
  }
}

/** Copies numbers that lie as the tensor takes them, or as doubles for one of singles; false for all others. */
export function copyNumbers(
  into: ReturnType<ElementKind['make']>,
  at: number,
  list: ArrayLike<unknown>,
): boolean {
  const rounds = into instanceof Float32Array && list instanceof Float64Array;
  if (Array.isArray(into) || (!rounds && list.constructor !== into.constructor)) return false;
  (into as Float32Array).set(list as Float32Array, at);
  return true;
}

function float(value: unknown, column: string): number {
  if (typeof value === 'number') return value;
  if (value === null || value === undefined) return Number.NaN;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'bigint') return Number(value);
  throw invalid(column, value, 'a number');
}

/** Whole numbers that the type holds; typed arrays would let greater ones wrap round. */
function integer(least: number, most: number) {
  return (value: unknown, column: string): number => {
    const number = typeof value === 'boolean' || typeof value === 'bigint' ? Number(value) : value;
    if (typeof number !== 'number' || !Number.isInteger(number)) throw invalid(column, value, 'an integer');
    if (number >= least && number <= most) return number;
    throw invalid(column, value, `an integer from ${least} to ${most}`);
  };
}

function bigInteger(least: bigint, most: bigint) {
  return (value: unknown, column: string): bigint => {
    const whole = typeof value === 'boolean' || (typeof value === 'number' && Number.isInteger(value));
    if (!whole && typeof value !== 'bigint') throw invalid(column, value, 'an integer');
    const big = BigInt(value as number);
    if (big >= least && big <= most) return big;
    throw invalid(column, value, `an integer from ${least} to ${most}`);
  };
}

function boolean(value: unknown, column: string): number {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (value === 0 || value === 1) return value;
  throw invalid(column, value, 'true or false');
}

/** The runtime ends a text at U+0000; this noncharacter, which no text holds, stands for it inside a graph. */
const nullStandIn = '\ufdd0';

function text(value: unknown): string {
  if (value === null || value === undefined) return '';
  const full = String(value);
  return full.includes('\0') ? full.replaceAll('\0', nullStandIn) : full;
}

/**
 * Turns a caller's value into an element of the type. null and undefined are NaN in floats and an empty text, elsewhere
 * refused, as is what the type cannot hold exactly (a fraction or an overflow in integers): `input_invalid` with the
 * column's name.
 */
export const converters: Readonly<Record<ElementType, (value: unknown, column: string) => unknown>> = {
  float,
  double: float,
  int8: integer(-(2 ** 7), 2 ** 7 - 1),
  uint8: integer(0, 2 ** 8 - 1),
  int16: integer(-(2 ** 15), 2 ** 15 - 1),
  uint16: integer(0, 2 ** 16 - 1),
  int32: integer(-(2 ** 31), 2 ** 31 - 1),
  uint32: integer(0, 2 ** 32 - 1),
  int64: bigInteger(-(2n ** 63n), 2n ** 63n - 1n),
  uint64: bigInteger(0n, 2n ** 64n - 1n),
  bool: boolean,
  string: text,
};

function invalid(column: string, value: unknown, expected: string) {
  return fail('input_invalid', { input: column, row: '', value: describe(value), expected });
}

/** A value in an error message: short, with its kind visible. */
export function describe(value: unknown): string {
  if (value === undefined || value === null) return 'missing';
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean')
    return String(value);
  const full = textOf(value);
  return full.length > 60 ? `${full.slice(0, 60)}…` : full;
}

function textOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? typeof value;
  } catch {
    return `${Array.isArray(value) ? '[' : '{'}… nested too deep`;
  }
}

/**
 * Reads an output of the runtime; int64 become numbers unless one of them is beyond 2^53, and FP16 and BF16 have their
 * own precision, whatever they were computed with.
 */
export function readOutput(
  { name, type, datatype }: GraphTensor,
  tensor: GraphOutput,
  rowCount: number,
): OutputTensor {
  const shape = tensor.dims;
  const width = rowCount === 0 ? 0 : tensor.size / rowCount;
  const data = datatype
    ? asHalves(datatype, tensor.data as ArrayLike<number>)
    : plain(type, tensor.data as ArrayLike<number | bigint | string>);
  return { name, type, datatype, shape, width, data };
}

function plain(type: ElementType, data: ArrayLike<number | bigint | string>): OutputTensor['data'] {
  if (type === 'bool') return Array.from(data, (v) => v === 1);
  if (type === 'string') return Array.from(data, (v) => String(v).replaceAll(nullStandIn, '\0'));
  if (type !== 'int64' && type !== 'uint64') return data;
  const numbers = Array.from(data, Number);
  return numbers.every(Number.isSafeInteger) ? numbers : data;
}

import { fail } from '../../../core/errors.ts';
import { type HalfType, overflowAt } from '../../../core/half-floats.ts';
import type { ElementType, SignatureField } from '../../../core/model-package.ts';
import { cellReader, describe } from '../../../platform/onnx/index.ts';
import type { BoundShape } from './bind-rows.ts';
import { refuseDatatype } from './declared-datatypes.ts';
import type { RequestTensor } from './request.ts';

/**
 * Lays the inputs of a request out as rows for a model that is served by its tensors. A cell is a row of a tensor: a
 * flat list where the graph fixes its dimensions, nested lists where it leaves some of them free or has none that
 * counts rows. Dimensions and values are checked here, so that one caller's mistake never reaches a common batch.
 *
 * Throws `inputs_missing`, `input_unexpected` for inputs that are neither known nor tolerated, `input_datatype` where the
 * declared datatype is none that the input's own holds without loss, and `input_invalid` for
 * dimensions that do not fit and values that the type cannot hold. A null is NaN in floating-point inputs; a number that
 * would become infinite there is none that they hold.
 */
export function bindTensors(
  endpoint: string,
  shape: BoundShape,
  tensors: readonly RequestTensor[],
  rowCount: number,
  tolerated: ReadonlySet<string> | null,
): readonly (readonly unknown[])[] {
  const { inputs } = shape.signature;
  const names = inputs.map((field) => field.name);
  const extra = tensors.find((t) => !names.includes(t.name) && tolerated !== null && !tolerated.has(t.name));
  if (extra) throw fail('input_unexpected', { input: extra.name, expected: names.join(', '), endpoint });

  const columns = inputs.map((field) => {
    const tensor = tensors.find((t) => t.name === field.name);
    const input = shape.graph.inputs.find(({ name }) => name === field.name);
    const type = input?.type ?? 'string';
    const inside = (shape.tensors === 'whole' ? input?.shape : input?.shape.slice(1)) ?? [];
    if (tensor) {
      const kind = { type, datatype: input?.datatype };
      refuseDatatype(endpoint, tensor, kind);
      return cellsOf(field, kind, inside, tensor, rowCount, shape.tensors === 'whole', endpoint);
    }
    if (!field.required) return null;
    throw missing(endpoint, inputs, tensors);
  });
  return Array.from({ length: rowCount }, (_, row) => columns.map((column) => column?.(row)));
}

function cellsOf(
  field: SignatureField,
  { type, datatype }: { readonly type: ElementType; readonly datatype: HalfType | undefined },
  inside: readonly number[],
  tensor: RequestTensor,
  rowCount: number,
  whole: boolean,
  endpoint: string,
): (row: number) => unknown {
  const { data, width } = tensor;
  const dims = tensor.shape ?? field.shape.map((d) => (d >= 0 ? d : width / fixedSize(field.shape)));
  const fits = dims.length === field.shape.length && field.shape.every((d, i) => d < 0 || d === dims[i]);
  if (!fits) throw invalid(field, `of shape [${dims.join(', ')}]`, wanted(field, type), endpoint);
  const problem = typedAlready(type, data) ? -1 : firstMisfit(type, datatype, data, rowCount * width);
  if (problem >= 0) throw invalid(field, describe(data[problem]), wanted(field, type), endpoint);

  const nested = whole || field.shape.some((d) => d < 0);
  return cellReader(data, dims, { field: field.shape, inside, nested });
}

const fixedSize = (shape: readonly number[]): number => shape.reduce((size, d) => size * Math.max(1, d), 1);

const typedArrays: Readonly<Partial<Record<ElementType, readonly object[]>>> = {
  float: [Float32Array],
  double: [Float32Array, Float64Array],
  int8: [Int8Array],
  uint8: [Uint8Array],
  int16: [Int16Array],
  uint16: [Uint16Array],
  int32: [Int32Array],
  uint32: [Uint32Array],
  int64: [BigInt64Array],
  uint64: [BigUint64Array],
};

/** Values of the input's own machine type need no look. */
function typedAlready(type: ElementType, data: ArrayLike<unknown>): boolean {
  return typedArrays[type]?.includes((data as { constructor: object }).constructor) ?? false;
}

const within = (low: number, high: number) => (v: unknown) =>
  typeof v === 'number' && Number.isInteger(v) && v >= low && v <= high;
const bigWithin = (low: bigint, high: bigint) => (v: unknown) =>
  (typeof v === 'number' && Number.isSafeInteger(v) && v >= low) ||
  (typeof v === 'bigint' && v >= low && v <= high);
const isReal = (v: unknown) => typeof v === 'number' || v === null || v === undefined;
const realBelow = (overflow: number) => (v: unknown) =>
  typeof v === 'number' ? Math.abs(v) < overflow || !Number.isFinite(v) : isReal(v);

const holds: Readonly<Record<ElementType, (value: unknown) => boolean>> = {
  float: realBelow(overflowAt.FP32),
  double: isReal,
  int8: within(-(2 ** 7), 2 ** 7 - 1),
  uint8: within(0, 2 ** 8 - 1),
  int16: within(-(2 ** 15), 2 ** 15 - 1),
  uint16: within(0, 2 ** 16 - 1),
  int32: within(-(2 ** 31), 2 ** 31 - 1),
  uint32: within(0, 2 ** 32 - 1),
  int64: bigWithin(-(2n ** 63n), 2n ** 63n - 1n),
  uint64: bigWithin(0n, 2n ** 64n - 1n),
  bool: (v) => typeof v === 'boolean' || v === 0 || v === 1,
  string: (v) => typeof v === 'string',
};

const halves = { FP16: realBelow(overflowAt.FP16), BF16: realBelow(overflowAt.BF16) } as const;

function firstMisfit(
  type: ElementType,
  datatype: HalfType | undefined,
  data: ArrayLike<unknown>,
  count: number,
): number {
  const fits = datatype ? halves[datatype] : holds[type];
  for (let i = 0; i < count; i++) if (!fits(data[i])) return i;
  return -1;
}

function wanted(field: SignatureField, type: ElementType): string {
  return field.shape.length === 0 ? `one ${type}` : `${type} of shape [${field.shape.join(', ')}]`;
}

/** In Triton's words: all that are missing at once. */
function missing(endpoint: string, inputs: readonly SignatureField[], tensors: readonly RequestTensor[]) {
  const given = tensors.map(({ name }) => name);
  const required = inputs.filter((field) => field.required).map(({ name }) => name);
  const quoted = (names: readonly string[]) => names.map((name) => `'${name}'`).join(',');
  return fail('inputs_missing', {
    endpoint,
    expected:
      required.length === inputs.length
        ? `${required.length} inputs`
        : `number of inputs between ${required.length} and ${inputs.length}`,
    count: given.length,
    given: quoted(given),
    missing: quoted(required.filter((name) => !given.includes(name))),
  });
}

function invalid(field: SignatureField, value: string, expected: string, endpoint: string) {
  return fail('input_invalid', { input: field.name, row: '', value, expected, endpoint });
}

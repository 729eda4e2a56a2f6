import type { GraphInput } from '../../core/model-package.ts';
import type { NumberArray } from '../../core/number-array.ts';
import type { RowBlock } from './row-block.ts';
import { converters, kinds } from './tensors.ts';

/**
 * The values of a graph input out of blocks whose cells lie as the graph takes them. A typed array of the input's
 * own type is copied in one piece, or not at all when it is all there is.
 *
 * @param borrow whether the result may be the request's own memory
 * Throws `input_invalid` for a value that the type cannot hold.
 */
export function fillFlat(
  input: GraphInput,
  blocks: readonly RowBlock[],
  rowCount: number,
  borrow: boolean,
): { readonly type: string; readonly data: NumberArray } {
  const { runtime, make } = kinds[input.type];
  const width = input.columns.length;
  const [first] = blocks;
  const out = make(0) as NumberArray;
  if (borrow && blocks.length === 1 && first?.flat && sameType(out, first.flat.data)) {
    const { data, from } = first.flat;
    return { type: runtime, data: (data as Float32Array).subarray(from, from + rowCount * width) };
  }
  const data = make(rowCount * width) as NumberArray;
  let at = 0;
  for (const { flat, rowCount: rows } of blocks) {
    if (!flat) continue;
    const count = rows * width;
    if (sameType(data, flat.data)) {
      (data as Float32Array).set((flat.data as Float32Array).subarray(flat.from, flat.from + count), at);
    } else {
      convertInto(data, at, flat.data, flat.from, count, input);
    }
    at += count;
  }
  return { type: runtime, data };
}

function sameType(data: NumberArray, other: ArrayLike<unknown>): boolean {
  return other.constructor === data.constructor;
}

function convertInto(
  into: NumberArray,
  at: number,
  data: ArrayLike<unknown>,
  from: number,
  count: number,
  { type, columns }: GraphInput,
): void {
  const plain = type === 'float' || type === 'double';
  const convert = converters[type];
  const out: { [index: number]: unknown } = into;
  for (let i = 0; i < count; i++) {
    const value = data[from + i];
    out[at + i] =
      plain && typeof value === 'number' ? value : convert(value, columns[i % columns.length] ?? '');
  }
}

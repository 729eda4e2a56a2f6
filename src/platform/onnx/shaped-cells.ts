/**
 * Cells that are tensors of dimensions that vary from request to request: nested lists. A list that is empty hides the
 * dimensions after it, so such a cell remembers them.
 */
const hiddenDimensions = Symbol('dimensions');

interface EmptyCell extends Array<unknown> {
  readonly [hiddenDimensions]?: readonly number[];
}

/** Values of a row-major block from `from` on, as a cell of these dimensions (one at least). */
export function nestedCell(data: ArrayLike<unknown>, from: number, dims: readonly number[]): unknown[] {
  const size = dims.reduce((product, d) => product * d, 1);
  const cell = nest(data, from, dims, 0, size);
  const empty = dims.indexOf(0);
  if (empty < 0 || empty === dims.length - 1) return cell;
  return Object.defineProperty(cell, hiddenDimensions, { value: dims });
}

/**
 * Reads cells out of the values of a tensor, row by row: a flat list where the dimensions are fixed, nested lists where
 * some of them vary, one value where there are none.
 *
 * @param dims those of a row
 * @param layout `field`: as callers know them, -1 for a free one; `inside`: as the graph gets them; `nested`: whether cells
 *   show their dimensions
 */
export function cellReader(
  data: ArrayLike<unknown>,
  dims: readonly number[],
  layout: { readonly field: readonly number[]; readonly inside: readonly number[]; readonly nested: boolean },
): (row: number) => unknown {
  const width = dims.reduce((product, d) => product * d, 1);
  if (layout.nested) {
    const own = reshapedDimensions(dims, layout.field, layout.inside);
    if (own.length > 0) return (row) => nestedCell(data, row * width, own);
  }
  if (dims.length === 0) return (row) => data[row];
  return (row) => Array.prototype.slice.call(data, row * width, (row + 1) * width);
}

/** The dimensions of a cell whose nested lists do not show them all; undefined for every other. */
export function hiddenDimensionsOf(cell: readonly unknown[]): readonly number[] | undefined {
  return (cell as EmptyCell)[hiddenDimensions];
}

/** The dimensions of a cell. Of an empty one that a caller nested himself those are missing that it hides. */
export function cellDimensions(cell: unknown): readonly number[] {
  const hidden = Array.isArray(cell) ? hiddenDimensionsOf(cell) : undefined;
  if (hidden) return hidden;
  const dims: number[] = [];
  for (let level = cell; Array.isArray(level); level = level[0]) dims.push(level.length);
  return dims;
}

/**
 * The dimensions `dims`, which fit `from`, in the form of `to`: a free dimension (-1) of `to` takes the size of the
 * one of `from` that is free in the same place among the free ones, as Triton's `reshape` has it. The same dimensions
 * where the two do not correspond, or `to` tells none.
 */
export function reshapedDimensions(
  dims: readonly number[],
  from: readonly number[],
  to: readonly number[],
): readonly number[] {
  if (to.length === 0 || (from.length === to.length && from.every((d, i) => d === to[i]))) return dims;
  const free = dims.filter((_, i) => (from[i] ?? 0) < 0);
  if (free.length !== to.filter((d) => d < 0).length) return dims;
  let next = 0;
  return to.map((d) => (d < 0 ? (free[next++] ?? d) : d));
}

function nest(
  data: ArrayLike<unknown>,
  from: number,
  dims: readonly number[],
  depth: number,
  size: number,
): unknown[] {
  if (depth === dims.length - 1) return Array.prototype.slice.call(data, from, from + size);
  const count = dims[depth] ?? 0;
  const part = count === 0 ? 0 : size / count;
  return Array.from({ length: count }, (_, i) => nest(data, from + i * part, dims, depth + 1, part));
}

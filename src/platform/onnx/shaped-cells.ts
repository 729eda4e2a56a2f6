import type { NumberArray } from '../../core/number-array.ts';

/**
 * Cells that are tensors: lists, nested ones where their dimensions vary from request to request, or the part of a
 * typed array that holds the numbers. An empty list hides the dimensions after it and a typed array all but one, so
 * such cells remember them.
 */
const hiddenDimensions = Symbol('dimensions');

interface ShapedCell {
  readonly [hiddenDimensions]?: readonly number[];
}

/** Whether a cell is a part of a typed array. */
export function isNumberArray(cell: unknown): cell is NumberArray {
  return ArrayBuffer.isView(cell) && !(cell instanceof DataView);
}

/** Whether a cell has many values rather than one. */
export function isList(cell: unknown): cell is ArrayLike<unknown> {
  return Array.isArray(cell) || isNumberArray(cell);
}

/** Values of a row-major block from `from` on, as a cell of these dimensions (one at least). */
export function nestedCell(
  data: ArrayLike<unknown>,
  from: number,
  dims: readonly number[],
): unknown[] | NumberArray {
  const size = dims.reduce((product, d) => product * d, 1);
  if (isNumberArray(data)) {
    const part = data.subarray(from, from + size);
    return dims.length === 1 ? part : Object.defineProperty(part, hiddenDimensions, { value: dims });
  }
  const cell = nest(data, from, dims, 0, size);
  const empty = dims.indexOf(0);
  if (empty < 0 || empty === dims.length - 1) return cell;
  return Object.defineProperty(cell, hiddenDimensions, { value: dims });
}

/**
 * Reads cells out of the values of a tensor, row by row: a flat list where the dimensions are fixed, nested lists where
 * some of them vary, one value where there are none. Lists out of a typed array are parts of it, in its memory.
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
  return (row) => listOf(data, row * width, (row + 1) * width);
}

/** Values [from, to) of a list; a part of the same memory where it is a typed array. */
export function listOf(data: ArrayLike<unknown>, from: number, to: number): readonly unknown[] | NumberArray {
  return isNumberArray(data) ? data.subarray(from, to) : Array.prototype.slice.call(data, from, to);
}

/** All values of cells, one cell after the other; a typed array where each cell is a part of one of the same type. */
export function joinedCells(cells: readonly unknown[]): ArrayLike<unknown> {
  const [first] = cells;
  if (isNumberArray(first) && cells.every((cell) => cell?.constructor === first.constructor)) {
    if (cells.length === 1) return first;
    const parts = cells as Float32Array[];
    const Numbers = first.constructor as Float32ArrayConstructor;
    const joined = new Numbers(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      joined.set(part, at);
      at += part.length;
    }
    return joined;
  }
  return cells.flatMap((cell): unknown[] => {
    if (Array.isArray(cell)) return cell.flat(Number.POSITIVE_INFINITY);
    return isNumberArray(cell) ? Array.from<unknown>(cell) : [cell];
  });
}

/** The dimensions of a cell whose lists do not show them all; undefined for every other. */
export function hiddenDimensionsOf(cell: unknown): readonly number[] | undefined {
  return isList(cell) ? (cell as ShapedCell)[hiddenDimensions] : undefined;
}

/** The dimensions of a cell. Of an empty one that a caller nested himself those are missing that it hides. */
export function cellDimensions(cell: unknown): readonly number[] {
  const hidden = hiddenDimensionsOf(cell);
  if (hidden) return hidden;
  if (isNumberArray(cell)) return [cell.length];
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

import { Tensor } from 'onnxruntime-node';
import { fail } from '../../core/errors.ts';
import type { GraphInput } from '../../core/model-package.ts';
import type { NumberArray } from '../../core/number-array.ts';
import { cellDimensions, isNumberArray } from './shaped-cells.ts';
import { type CellSource, converters, copyNumbers, kinds } from './tensors.ts';

/**
 * Builds the tensor of an input that takes its dimensions from its cells: nested lists, all of the same
 * dimensions. A dimension that an empty list hides is the graph's own, or 0. Errors: `input_invalid` for a value
 * that the type cannot hold and for cells of different dimensions.
 *
 * @param whole the one cell is the whole tensor; else the first dimension counts the cells
 */
export function fillFreeTensor(input: GraphInput, whole: boolean, cells: CellSource): Tensor {
  const cell = cells.column(input.columns[0] ?? input.name);
  const declared = whole ? input.shape : input.shape.slice(1);
  // Dimensions that the graph fixes hold, however the caller nested the values.
  const fixed = declared.length > 0 && declared.every((d) => d >= 0);
  const dims = fixed ? declared : dimensionsOf(cell(0), declared);
  const convert = converters[input.type];
  const size = dims.reduce((product, d) => product * d, 1);
  const made = kinds[input.type].make(size * cells.rowCount);
  const data = made as unknown[];
  let at = 0;
  const fill = (value: unknown, depth: number): void => {
    if (isNumberArray(value)) {
      if (at + value.length > data.length || (!fixed && !sameDimensions(value, dims)))
        throw uneven(input, dims);
      if (!copyNumbers(made, at, value))
        for (let i = 0; i < value.length; i++) data[at + i] = convert(value[i], input.name);
      at += value.length;
      return;
    }
    if (!Array.isArray(value)) {
      data[at++] = convert(value, input.name);
      return;
    }
    if (!fixed && value.length !== dims[depth]) throw uneven(input, dims);
    for (const item of value) fill(item, depth + 1);
  };
  for (let row = 0; row < cells.rowCount; row++) fill(cell(row), 0);
  if (at !== size * cells.rowCount) throw uneven(input, dims);
  const type = kinds[input.type].runtime as 'float32';
  return new Tensor(type, data as unknown as Float32Array, whole ? dims : [cells.rowCount, ...dims]);
}

function sameDimensions(cell: NumberArray, dims: readonly number[]): boolean {
  const own = cellDimensions(cell);
  return own.length === dims.length && own.every((d, i) => d === dims[i]);
}

function dimensionsOf(cell: unknown, declared: readonly number[]): number[] {
  const dims = [...cellDimensions(cell)];
  while (dims.length < declared.length) dims.push(Math.max(0, declared[dims.length] ?? 0));
  return dims;
}

function uneven(input: GraphInput, dims: readonly number[]) {
  const expected = `the same dimensions in every row, here [${dims.join(', ')}]`;
  return fail('input_invalid', { input: input.name, row: '', value: 'of other dimensions', expected });
}

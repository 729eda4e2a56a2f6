import { fail } from '../../../core/errors.ts';
import { type PackageManifest, type SignatureField, takesRequests } from '../../../core/model-package.ts';
import { cellRows, FlatRows, listOf, type RowBlock } from '../../../platform/onnx/index.ts';
import { bindRequest } from './bind-request.ts';
import { bindTensors } from './bind-tensors.ts';
import { refuseKind } from './declared-datatypes.ts';
import type { RequestTensor } from './request.ts';
import { expectation } from './row-check.ts';

export type BoundShape = Pick<PackageManifest, 'signature' | 'graph'> & {
  readonly tensors?: PackageManifest['tensors'];
};

/** Where the cells of each signature input come from in one request. */
interface Source {
  readonly data: ArrayLike<unknown>;
  readonly width: number;
  readonly offset: number;
  readonly length: number;
  /** A cell is a list of values, of one too. */
  readonly isList: boolean;
}

/**
 * Lays the inputs of a request out as rows in the order of a model's signature. An input is found by its
 * column's name; a graph input that takes several columns, or a single tensor as wide as the signature, may be
 * sent whole. Cells of optional inputs that were not sent are undefined.
 *
 * Throws `input_missing` (naming what is missing and what was sent instead), `input_unexpected` for inputs that
 * the model does not know, unless they are tolerated, and `input_datatype` for text where numbers belong.
 *
 * @param tolerated inputs that may be there though this model does not use them; null: any
 */
export function bindRows(
  endpoint: string,
  shape: BoundShape,
  tensors: readonly RequestTensor[],
  rowCount: number,
  tolerated: ReadonlySet<string> | null,
): RowBlock {
  if (takesRequests(shape.signature)) return cellRows([[bindRequest(tensors)]]);
  if (shape.tensors) return cellRows(bindTensors(endpoint, shape, tensors, rowCount, tolerated));
  const { inputs } = shape.signature;
  const only = tensors.length === 1 ? tensors[0] : undefined;
  if (only && isFlat(shape, only)) {
    refuseKind(endpoint, only, inputs);
    return new FlatRows(only.data, only.width, rowCount);
  }
  const sources = new Map<string, Source>();
  const unknown: RequestTensor[] = [];
  for (const tensor of tensors) {
    const fields = addSources(shape, tensor, tensors.length, sources);
    if (fields) refuseKind(endpoint, tensor, fields);
    else unknown.push(tensor);
  }

  const row: (Source | undefined)[] = [];
  for (const field of inputs) {
    const source = sources.get(field.name);
    if (!source && field.required) {
      const extra = unknown.length ? `; not known: ${unknown.map((t) => `"${t.name}"`).join(', ')}` : '';
      throw fail('input_missing', { input: field.name, expected: expectation(field), extra, endpoint });
    }
    row.push(source);
  }
  const first = tolerated && unknown.find((t) => !tolerated.has(t.name));
  if (first) {
    const expected = inputs.map((f) => f.name).join(', ');
    throw fail('input_unexpected', { input: first.name, expected, endpoint });
  }
  return cellRows(Array.from({ length: rowCount }, (_, r) => row.map((source) => source && cell(source, r))));
}

/** Does the tensor hold all cells, scalars in the order of the signature? */
function isFlat(shape: BoundShape, tensor: RequestTensor): boolean {
  const { inputs } = shape.signature;
  if (tensor.width !== inputs.length) return false;
  const [only] = inputs;
  return inputs.length === 1 ? only?.name === tensor.name && only.shape.length === 0 : spreads(shape, tensor);
}

function cell(source: Source, row: number): unknown {
  const at = row * source.width + source.offset;
  if (source.length === 1) {
    const value = source.data[at];
    return source.isList && !Array.isArray(value) ? [value] : value;
  }
  return listOf(source.data, at, at + source.length);
}

/** Does one tensor stand for all scalar columns side by side? */
function spreads(shape: BoundShape, tensor: RequestTensor): boolean {
  const { inputs } = shape.signature;
  return (
    tensor.width === inputs.length &&
    inputs.length > 1 &&
    inputs.every((f) => f.shape.length === 0) &&
    !inputs.some((f) => f.name === tensor.name)
  );
}

/** Notes where the columns that a tensor fills are, and gives their fields; null where the model knows no such input. */
function addSources(
  shape: BoundShape,
  tensor: RequestTensor,
  count: number,
  sources: Map<string, Source>,
): readonly SignatureField[] | null {
  const { inputs } = shape.signature;
  const { data, width } = tensor;
  const field = inputs.find((f) => f.name === tensor.name);
  if (field) {
    sources.set(field.name, { data, width, offset: 0, length: width, isList: field.shape.length > 0 });
    return [field];
  }
  const graphInput = shape.graph.inputs.find((i) => i.name === tensor.name && i.columns.length === width);
  const columns =
    graphInput?.columns ?? (count === 1 && spreads(shape, tensor) ? inputs.map((f) => f.name) : null);
  if (!columns) return null;
  for (const [offset, name] of columns.entries())
    sources.set(name, { data, width, offset, length: 1, isList: false });
  return inputs.filter((f) => columns.includes(f.name));
}

import type { GraphTensor, PackageManifest } from '../../../core/model-package.ts';
import { columnTypes } from '../../../core/model-package.ts';
import type { ImportedOnnx } from '../../../platform/onnx/index.ts';
import { configTypeOf, configTypes } from './data-types.ts';
import type { ConfigTensor, ModelConfig } from './model-config.ts';

/** What a graph and its configuration, complete or not, say together. */
export interface DerivedPackage {
  readonly signature: PackageManifest['signature'];
  readonly graph: PackageManifest['graph'];
  readonly tensors: 'rows' | 'whole';
  /** 0: no dimension counts rows. */
  readonly maxBatchSize: number;
}

/** Told of models that have no configuration; the server itself computes as many rows at once as are best. */
const derivedMaxBatchSize = 128;

/**
 * Fits a configuration to the graph that it describes. What the configuration leaves out is taken from the graph:
 * rows are counted when every input and output has a free first dimension. Throws an Error that says what does not
 * fit: a name, a type, dimensions, rows where the graph has none.
 */
export function derivePackage(onnx: ImportedOnnx, config: ModelConfig): DerivedPackage {
  const maxBatchSize = config.max_batch_size ?? derivedBatch(onnx, config);
  if (maxBatchSize < 0) throw new Error(`max_batch_size must not be negative, it is ${maxBatchSize}`);
  const rows = maxBatchSize > 0;
  const [withDefault] = onnx.defaults;
  if (rows && withDefault !== undefined) {
    throw new Error(
      `input '${withDefault}' has a value of its own in the graph, so max_batch_size must be 0`,
    );
  }
  const inputs = onnx.inputs.map((tensor) => fitted('input', tensor, config.input, rows));
  const outputs = onnx.outputs.map((tensor) => fitted('output', tensor, config.output, rows));
  refuseUnknown('input', config.input, onnx.inputs);
  refuseUnknown('output', config.output, onnx.outputs);
  return {
    signature: {
      inputs: inputs.map(({ tensor, dims, optional }) => field(tensor, dims, !optional)),
      outputs: outputs.map(({ tensor, dims }) => field(tensor, dims, true)),
    },
    graph: {
      inputs: inputs.map(({ tensor }) => ({
        ...tensor,
        columns: [tensor.name],
        ...(onnx.defaults.includes(tensor.name) ? { hasDefault: true as const } : {}),
      })),
      outputs: outputs.map(({ tensor }) => tensor),
    },
    tensors: rows ? 'rows' : 'whole',
    maxBatchSize,
  };
}

function derivedBatch(onnx: ImportedOnnx, config: ModelConfig): number {
  if (config.input?.length || config.output?.length) return 0;
  const counts = [...onnx.inputs, ...onnx.outputs].every(({ shape }) => shape[0] === -1);
  return counts ? derivedMaxBatchSize : 0;
}

interface Fitted {
  /** With the dimensions that the configuration fixes. */
  readonly tensor: GraphTensor;
  /** Dimensions of a row as callers send them. */
  readonly dims: readonly number[];
  readonly optional: boolean;
}

function fitted(
  side: 'input' | 'output',
  tensor: GraphTensor,
  configured: readonly ConfigTensor[] | undefined,
  rows: boolean,
): Fitted {
  const { name, shape } = tensor;
  const what = `${side} '${name}'`;
  if (rows && side === 'input' && shape.length > 0 && (shape[0] ?? 0) > 1) {
    throw new Error(`${what} has its first dimension fixed at ${shape[0]}, so max_batch_size must be 0`);
  }
  const own = rows ? shape.slice(1) : shape;
  const told = configured?.find((t) => t.name === name);
  if (tensor.unranked && side === 'input' && !told) {
    throw new Error(
      `the graph tells no dimensions of ${what}: name them in config.pbtxt (input { name, data_type, dims })`,
    );
  }
  if (!told) return { tensor, dims: own, optional: false };
  const typed = ofType(what, tensor, told.data_type);
  const inside = told.reshape?.shape ?? told.dims;
  if (tensor.unranked) {
    const { unranked: _, ...ranked } = typed;
    if (told.reshape) refuseReshape(what, told);
    const full = { ...ranked, shape: [...(rows ? [-1] : []), ...inside] };
    return { tensor: full, dims: told.dims, optional: told.optional === true };
  }
  const fits =
    inside.length === own.length && inside.every((d, i) => d === own[i] || d === -1 || own[i] === -1);
  // One value may also be called a list of one.
  if (told.dims.length > 0 && !fits && shape.length > 0) {
    const batch = rows ? ', without the dimension of the batch' : '';
    throw new Error(
      `${what} is [${own.join(', ')}] in the graph${batch}, the configuration says [${inside.join(', ')}]`,
    );
  }
  const optional = told.optional === true;
  if (told.reshape) refuseReshape(what, told);
  if (shape.length === 0 || (told.dims.length === 0 && !told.reshape)) {
    return { tensor: typed, dims: told.dims.length > 0 || told.reshape ? told.dims : own, optional };
  }
  const narrow = told.reshape ? inside : inside.map((d, i) => (d < 0 ? (own[i] ?? d) : d));
  const dims = told.reshape ? told.dims : narrow;
  return { tensor: { ...typed, shape: [...shape.slice(0, rows ? 1 : 0), ...narrow] }, dims, optional };
}

/** The tensor with the type that its configuration says: that of the graph, or FP32 in place of FP16 and BF16. */
function ofType(what: string, tensor: GraphTensor, told: string): GraphTensor {
  const own = configTypeOf(tensor);
  if (told === 'TYPE_INVALID' || told === own) return tensor;
  const { datatype: _, ...single } = tensor;
  if (told === configTypes[single.type]) return single;
  throw new Error(`${what} is ${own} in the graph, the configuration says ${told}`);
}

/** Throws unless both sides have the same free dimensions in the same order, and as many values before, between and after. */
export function refuseReshape(what: string, { dims, reshape }: ConfigTensor): void {
  const inside = reshape?.shape ?? [];
  if (sizesBetweenFree(dims).join() !== sizesBetweenFree(inside).join()) {
    throw new Error(`${what} cannot be reshaped from [${dims.join(', ')}] to [${inside.join(', ')}]`);
  }
}

function sizesBetweenFree(dims: readonly number[]): readonly number[] {
  const sizes = [1];
  for (const d of dims) {
    if (d < 0) sizes.push(1);
    else sizes.push((sizes.pop() ?? 1) * d);
  }
  return sizes;
}

function refuseUnknown(
  side: string,
  configured: readonly ConfigTensor[] | undefined,
  tensors: readonly GraphTensor[],
): void {
  const unknown = configured?.find((t) => !tensors.some((tensor) => tensor.name === t.name));
  if (!unknown) return;
  const names = tensors.map((t) => `'${t.name}'`).join(', ');
  throw new Error(`the graph has no ${side} '${unknown.name}'; it has ${names}`);
}

function field(tensor: GraphTensor, dims: readonly number[], required: boolean) {
  return { name: tensor.name, type: columnTypes[tensor.type], required, shape: [...dims] };
}

import { fail, MillraceError } from '../../core/errors.ts';
import type { ElementType, GraphTensor } from '../../core/model-package.ts';
import { checkGraph } from './check-graph.ts';
import { openDefaults } from './default-inputs.ts';
import { widenEdges } from './widen-edges.ts';
import { type Attribute, decode, encode, type Node, type ValueInfo } from './wire.ts';

/** An ONNX graph that the runtime can serve, and what stands on its edges. */
export interface ImportedOnnx {
  readonly bytes: Uint8Array;
  readonly inputs: readonly GraphTensor[];
  readonly outputs: readonly GraphTensor[];
  /** Inputs that have an initializer; see `openDefaults`. */
  readonly defaults: readonly string[];
  /** Class labels, in the order of the probability columns; null when the graph does not tell. */
  readonly classes: readonly (string | number)[] | null;
  /** Output names that a ZipMap made and that are now plain probability tensors. */
  readonly cutZipMaps: readonly string[];
}

export interface ImportOptions {
  /** What becomes of an input whose first dimension is fixed above 1, so that it cannot count rows. */
  readonly fixedBatch?: 'refuse' | 'keep';
  /** Inputs that callers are to know though they have an initializer; those that are not named keep it for good. */
  readonly callerInputs?: readonly string[];
}

/** TensorProto.DataType by number; types that are missing here are refused. */
const elementTypes: Readonly<Record<number, ElementType>> = {
  1: 'float',
  2: 'uint8',
  3: 'int8',
  4: 'uint16',
  5: 'int16',
  6: 'int32',
  7: 'int64',
  8: 'string',
  9: 'bool',
  11: 'double',
  12: 'uint32',
  13: 'uint64',
};
const floatType = 1;
const labelAttributes: readonly string[] = ['classlabels_int64s', 'classlabels_ints', 'classlabels_strings'];

/**
 * Checks an ONNX model and makes it servable: a ZipMap node, which turns probabilities into a list of
 * dictionaries that onnxruntime-node cannot return, is replaced by an Identity with the same output name, so
 * that the output becomes a tensor [N, classes], and inputs and outputs of FP16 and BF16 are cast to FP32. Everything
 * else is kept byte for byte.
 *
 * Throws `onnx_invalid`, naming the problem: not ONNX, weights in other files, an input or output that is not
 * a tensor or has an element type without a JSON form (complex, FP8).
 */
export function importOnnx(
  bytes: Uint8Array,
  { fixedBatch = 'refuse', callerInputs = [] }: ImportOptions = {},
): ImportedOnnx {
  try {
    return imported(bytes, fixedBatch, callerInputs);
  } catch (cause) {
    if (cause instanceof MillraceError) throw cause;
    throw fail('onnx_invalid', { problem: 'the file is damaged or not ONNX' }, cause);
  }
}

function imported(
  bytes: Uint8Array,
  fixedBatch: 'refuse' | 'keep',
  callerInputs: readonly string[],
): ImportedOnnx {
  const model = decode('Model', bytes);
  const graph = model.graph;
  if (!graph?.output?.length) throw fail('onnx_invalid', { problem: 'it holds no graph with outputs' });
  checkGraph(model, bytes);

  const { graph: parts } = decode('ModelParts', bytes);
  const known = graph.input ?? [];
  const defaults = openDefaults(graph, callerInputs, parts);
  const initializers = new Set<string>();
  for (const raw of graph.initializer ?? []) {
    const { name } = decode('TensorPlace', raw);
    if (name) initializers.add(name);
  }

  let classes: (string | number)[] | null = null;
  const cut: string[] = [];
  graph.node = (graph.node ?? []).map((raw) => {
    const node = decode('Node', raw);
    const labels = classLabels(node);
    if (labels) classes = labels;
    if (node.opType !== 'ZipMap') return raw;
    const [name] = node.output ?? [];
    const output = graph.output?.find((o) => o.name === name);
    if (!name || !output) return raw;
    output.type = { tensorType: { elemType: floatType, shape: { dim: probabilityShape(labels) } } };
    cut.push(name);
    return encode('Node', {
      input: node.input ?? [],
      output: [name],
      name: node.name ?? name,
      opType: 'Identity',
    });
  });

  const callers = known.filter((i) => !initializers.has(i.name ?? ''));
  const widened = widenEdges(graph, callers, parts);
  const inputs = callers.map((i) => graphTensor(i, 'input', fixedBatch, widened));
  for (const { name = '', type } of callers) if (defaults.has(name)) delete type?.tensorType?.shape;
  const changed = cut.length > 0 || widened.size > 0 || defaults.size > 0;
  return {
    bytes: changed ? encode('Model', model) : bytes,
    inputs,
    outputs: graph.output.map((o) => graphTensor(o, 'output', fixedBatch, widened)),
    defaults: [...defaults],
    classes,
    cutZipMaps: cut,
  };
}

function probabilityShape(labels: readonly unknown[] | null) {
  return [{ dimParam: 'N' }, labels ? { dimValue: labels.length } : { dimParam: 'C' }];
}

/** The class labels that a classifier or ZipMap node carries in its attributes. */
function classLabels(node: Node): (string | number)[] | null {
  if (node.domain !== 'ai.onnx.ml') return null;
  for (const raw of node.attribute ?? []) {
    const name = attributeName(raw);
    if (!name || !labelAttributes.includes(name)) continue;
    const attribute: Attribute = decode('Attribute', raw);
    if (attribute.strings?.length) return attribute.strings.map((s) => new TextDecoder().decode(s));
    if (attribute.ints?.length) return attribute.ints;
  }
  return null;
}

/** Reads only the name, which writers put first (field 1), of attributes that may hold megabytes. */
function attributeName(raw: Uint8Array): string | undefined {
  const length = raw[1] ?? 0;
  if (raw[0] === 0x0a && length < 0x80) return new TextDecoder().decode(raw.subarray(2, 2 + length));
  return decode('Attribute', raw).name;
}

function graphTensor(
  info: ValueInfo,
  side: 'input' | 'output',
  fixedBatch: 'refuse' | 'keep',
  widened: ReturnType<typeof widenEdges>,
): GraphTensor {
  const tensor = info.type?.tensorType;
  if (!tensor) {
    const next = side === 'output' ? '; convert the model with zipmap off' : '';
    throw fail('onnx_invalid', { problem: `${side} "${info.name}" is not a tensor${next}` });
  }
  const type = elementTypes[tensor.elemType ?? 0];
  if (!type) {
    throw fail('onnx_invalid', {
      problem: `${side} "${info.name}" has element type number ${tensor.elemType}, which has no JSON form`,
    });
  }
  const shape = (tensor.shape?.dim ?? []).map((d) => (d.dimValue && d.dimValue > 0 ? d.dimValue : -1));
  if (side === 'input' && fixedBatch === 'refuse' && (shape[0] ?? -1) > 1) {
    throw fail('onnx_invalid', {
      problem: `${side} "${info.name}" has a batch dimension fixed at ${shape[0]}; export it with a free one`,
    });
  }
  const name = info.name ?? '';
  const datatype = widened.get(name);
  return {
    name,
    type,
    shape,
    ...(datatype ? { datatype } : {}),
    ...(tensor.shape ? {} : { unranked: true as const }),
  };
}

import { fail } from '../../core/errors.ts';
import type { HalfType } from '../../core/half-floats.ts';
import { decode, encode, type Graph, type ModelParts, type ValueInfo } from './wire.ts';

/** TensorProto.DataType of floating-point numbers of 16 bits, by what the protocols call them. */
const shortTypes: ReadonlyMap<number, HalfType> = new Map([
  [10, 'FP16'],
  [16, 'BF16'],
]);
const floatType = 1;
const intAttribute = 2;

/**
 * Gives a graph inputs and outputs of FP32 where they are FP16 or BF16, which neither JSON nor the runtime's arrays
 * have: each is cast at the edge, and everything inside stays. Throws `onnx_invalid` where names inside cannot be
 * changed for it: graphs inside graphs, an output that is an input.
 *
 * @param inputs those that callers fill
 * @returns what those were that were changed, by name
 */
export function widenEdges(
  graph: Graph,
  inputs: readonly ValueInfo[],
  parts: ModelParts['graph'],
): ReadonlyMap<string, HalfType> {
  const outputs = graph.output ?? [];
  const shortInputs = inputs.filter(isShort);
  const shortOutputs = outputs.filter(isShort);
  const [first] = [...shortInputs, ...shortOutputs];
  const datatypes = new Map(
    [...shortInputs, ...shortOutputs].map(
      (info) => [info.name ?? '', shortTypes.get(typeOf(info)) ?? 'FP16'] as const,
    ),
  );
  if (!first) return datatypes;
  const refuse = (why: string) =>
    fail('onnx_invalid', {
      problem: `"${first.name}" is ${shortTypes.get(typeOf(first))}, and ${why}: export it with inputs and outputs of FP32`,
    });
  const hasGraphs = parts?.node?.some(({ attribute }) =>
    attribute?.some(({ g, graphs }) => g || graphs?.length),
  );
  if (hasGraphs) throw refuse('it has graphs inside graphs');
  const names = new Map(
    [...shortInputs, ...shortOutputs].map(({ name = '' }) => [name, `short edge ${name}`]),
  );
  if (names.size < shortInputs.length + shortOutputs.length) throw refuse('an output is an input');

  const inner = (list: readonly string[] = []) => list.map((name) => names.get(name) ?? name);
  const nodes = (graph.node ?? []).map((raw) => {
    const node = decode('Node', raw);
    const touched = [...(node.input ?? []), ...(node.output ?? [])].some((name) => names.has(name));
    return touched ? encode('Node', { ...node, input: inner(node.input), output: inner(node.output) }) : raw;
  });
  const before = shortInputs.map((info) =>
    cast(info.name ?? '', inner([info.name ?? ''])[0] ?? '', typeOf(info)),
  );
  const after = shortOutputs.map(({ name = '' }) => cast(names.get(name) ?? '', name, floatType));
  graph.node = [...before, ...nodes, ...after];
  for (const { type } of [...shortInputs, ...shortOutputs]) {
    if (type?.tensorType) type.tensorType.elemType = floatType;
  }
  return datatypes;
}

function typeOf(info: ValueInfo): number {
  return info.type?.tensorType?.elemType ?? 0;
}

function isShort(info: ValueInfo): boolean {
  return shortTypes.has(typeOf(info));
}

function cast(from: string, to: string, type: number): Uint8Array {
  return encode('Node', {
    input: [from],
    output: [to],
    name: `cast ${from}`,
    opType: 'Cast',
    attribute: [encode('Attribute', { name: 'to', i: type, type: intAttribute })],
  });
}

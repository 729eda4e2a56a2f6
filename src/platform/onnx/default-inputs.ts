import { fail } from '../../core/errors.ts';
import { decode, encode, type Graph, type ModelParts, type Node } from './wire.ts';

const boolType = 9;
const tensorAttribute = 4;
const graphAttribute = 5;

/** The input of a graph that says whether another has its default. */
export const defaultFlag = (name: string): string => `default ${name}`;

/**
 * Lets callers fill inputs that have an initializer, or leave them out: the runtime's binding takes no values for
 * initializers. Each becomes an input of its own, and one more says whether the initializer is to be taken in its place.
 * Throws `onnx_invalid` where names inside cannot be changed for it: graphs inside graphs.
 *
 * @param names of inputs that callers know; those without an initializer stay as they are
 * @returns the names of those with one
 */
export function openDefaults(
  graph: Graph,
  names: readonly string[],
  parts: ModelParts['graph'],
): ReadonlySet<string> {
  if (names.length === 0) return new Set();
  const defaults = new Map<string, Uint8Array>();
  const inputs = new Set(graph.input?.map(({ name }) => name));
  const isDefault = (raw: Uint8Array) => {
    const { name = '' } = decode('TensorPlace', raw);
    if (!names.includes(name) || !inputs.has(name)) return false;
    defaults.set(name, raw);
    return true;
  };
  graph.initializer = graph.initializer?.filter((raw) => !isDefault(raw)) ?? [];
  if (defaults.size === 0) return new Set();
  if (parts?.node?.some(({ attribute }) => attribute?.some(({ g, graphs }) => g || graphs?.length))) {
    const problem = `input "${[...defaults.keys()][0]}" has a default, and it has graphs inside graphs: leave it out of the configuration`;
    throw fail('onnx_invalid', { problem });
  }
  const nodes = (graph.node ?? []).map((raw) => {
    const node = decode('Node', raw);
    if (!node.input?.some((name) => defaults.has(name))) return raw;
    return encode('Node', {
      ...node,
      input: node.input.map((name) => (defaults.has(name) ? chosen(name) : name)),
    });
  });
  graph.node = [...[...defaults].flatMap(([name, tensor]) => choice(graph, name, tensor)), ...nodes];
  return new Set(defaults.keys());
}

const chosen = (name: string) => `chosen ${name}`;

/** Adds the input that chooses, and gives the nodes that do as it says. */
function choice(graph: Graph, name: string, tensor: Uint8Array): readonly Uint8Array[] {
  const flag = defaultFlag(name);
  graph.input = [
    ...(graph.input ?? []),
    { name: flag, type: { tensorType: { elemType: boolType, shape: {} } } },
  ];
  const { elemType } = graph.input.find((input) => input.name === name)?.type?.tensorType ?? {};
  const sent = `sent ${name}`;
  const kept = `kept ${name}`;
  const identity = (from: string, to: string): Node => ({
    opType: 'Identity',
    input: [from],
    output: [to],
    name: to,
  });
  const branch = (side: string, from: string) => {
    const output = `${side} ${name}`;
    const g = encode('Graph', {
      name: output,
      node: [encode('Node', identity(from, output))],
      output: [{ name: output, type: { tensorType: elemType === undefined ? {} : { elemType } } }],
    });
    return encode('Attribute', { name: `${side}_branch`, g, type: graphAttribute });
  };
  const value = encode('Attribute', { name: 'value', t: tensor, type: tensorAttribute });
  const nodes: readonly Node[] = [
    identity(name, sent),
    { opType: 'Constant', output: [kept], name: kept, attribute: [value] },
    {
      opType: 'If',
      input: [flag],
      output: [chosen(name)],
      name: chosen(name),
      attribute: [branch('then', kept), branch('else', sent)],
    },
  ];
  return nodes.map((node) => encode('Node', node));
}

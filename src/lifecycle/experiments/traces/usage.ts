import { exactDouble, pythonDumps } from '../../../core/exact-json.ts';
import { traceKeys } from './records.ts';

/** What sums over a trace are made of: a span with its attributes, as JSON text each. */
export interface UsageNode {
  readonly spanId: string;
  readonly parentId: string | null;
  readonly attributes: Readonly<Record<string, string>>;
}

const measures = [
  {
    attribute: traceKeys.tokenUsage,
    metadata: traceKeys.traceTokenUsage,
    keys: ['input_tokens', 'output_tokens', 'total_tokens'],
    optionalKeys: [
      'cache_read_input_tokens',
      'cache_creation_input_tokens',
      'cache_creation_input_tokens_above_1hr',
    ],
    write: (sum: number): unknown => sum,
  },
  {
    attribute: traceKeys.cost,
    metadata: traceKeys.traceCost,
    keys: ['input_cost', 'output_cost', 'total_cost'],
    optionalKeys: [],
    write: exactDouble,
  },
] as const;

/** Whether spans say anything that a trace sums up. */
export function haveUsage(nodes: readonly UsageNode[]): boolean {
  return nodes.some(({ attributes }) =>
    measures.some(({ attribute }) => attributes[attribute] !== undefined),
  );
}

/**
 * Tokens and costs of a trace, as metadata. A span under one that has the measure does not count: there the parent's
 * value is the sum of its children already.
 */
export function traceUsage(
  nodes: readonly UsageNode[],
): readonly { readonly key: string; readonly value: string }[] {
  return measures.flatMap(({ attribute, metadata, keys, optionalKeys, write }) => {
    const values = topmost(nodes, attribute);
    if (values.length === 0) return [];
    const present = [...keys, ...optionalKeys.filter((key) => values.some((value) => key in value))];
    const sum = (key: string) => write(values.reduce((total, value) => total + (value[key] ?? 0), 0));
    return [{ key: metadata, value: pythonDumps(Object.fromEntries(present.map((key) => [key, sum(key)]))) }];
  });
}

type Numbers = Readonly<Record<string, number>>;

/** The values of a measure that have none above them in the tree of spans. */
function topmost(nodes: readonly UsageNode[], attribute: string): readonly Numbers[] {
  const ids = new Set(nodes.map((node) => node.spanId));
  const isRoot = ({ parentId }: UsageNode): boolean => parentId === null || !ids.has(parentId);
  const children = Map.groupBy(nodes, (node) => (isRoot(node) ? null : node.parentId));
  const values: Numbers[] = [];
  const open = [...(children.get(null) ?? [])];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    const value = numbersOf(node.attributes[attribute]);
    if (value) values.push(value);
    else open.push(...(children.get(node.spanId) ?? []));
  }
  return values;
}

/** The numbers of a measure; null when the attribute is missing or no object. */
function numbersOf(text: string | undefined): Numbers | null {
  if (text === undefined) return null;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return null;
    const isNumber = (entry: [string, unknown]): entry is [string, number] => typeof entry[1] === 'number';
    return Object.fromEntries(Object.entries(value).filter(isNumber));
  } catch {
    return null;
  }
}

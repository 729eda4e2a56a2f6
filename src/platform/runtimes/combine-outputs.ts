import type { OutputTensor } from '../onnx/index.ts';
import { averaged, commonType, labelOf } from './describe-graph.ts';

type Value = OutputTensor['data'][number];
type Outputs = readonly OutputTensor[];

/** Outputs with the shape of one row in place of that of all rows. */
function perRow(outputs: Outputs): ReadonlyMap<string, OutputTensor> {
  return new Map(outputs.map((o) => [o.name, { ...o, shape: o.shape.slice(1) }]));
}

/** The weighted mean of what all members give as numbers with fractions. */
export function averageOutputs(
  members: readonly Outputs[],
  weights: readonly number[],
  rowCount: number,
): Outputs {
  const named = members.map(perRow);
  const total = weights.reduce((sum, w) => sum + w, 0);
  return averaged(named).map(({ name, width, shape }) => {
    const data = new Float64Array(rowCount * width);
    named.forEach((member, m) => {
      const values = member.get(name)?.data ?? [];
      const share = (weights[m] ?? 0) / total;
      for (let i = 0; i < data.length; i++) data[i] = (data[i] ?? 0) + share * Number(values[i]);
    });
    return { name, type: 'double' as const, shape: [rowCount, ...shape], width, data };
  });
}

/** The label with the greatest weight behind it, the first member's among equals, and its share of all weight. */
export function voteOutputs(
  members: readonly Outputs[],
  weights: readonly number[],
  rowCount: number,
): Outputs {
  const labels = members.map((outputs) => labelOf(perRow(outputs)));
  const total = weights.reduce((sum, w) => sum + w, 0);
  const same = labels.every((label) => label?.type === labels[0]?.type);
  const winners: Value[] = [];
  const share = new Float64Array(rowCount);
  for (let row = 0; row < rowCount; row++) {
    const votes = new Map<Value, number>();
    labels.forEach((label, m) => {
      const given = label?.data[row] ?? null;
      const value = same || given === null ? given : String(given);
      votes.set(value, (votes.get(value) ?? 0) + (weights[m] ?? 0));
    });
    const [winner, weight] = [...votes].reduce((best, next) => (next[1] > best[1] ? next : best));
    winners.push(winner);
    share[row] = weight / total;
  }
  const type = same ? (labels[0]?.type ?? 'string') : 'string';
  return [
    { name: 'label', type, shape: [rowCount], width: 1, data: winners },
    { name: 'share', type: 'double', shape: [rowCount], width: 1, data: share },
  ];
}

/**
 * Outputs of branches that had different rows, in the order of the rows; those of the first branch, in types that hold
 * what all of them gave.
 */
export function mergeBranches(
  parts: readonly { readonly rows: readonly number[]; readonly outputs: Outputs }[],
  rowCount: number,
  missing: (name: string) => Error,
): Outputs {
  const [first] = parts;
  if (!first) return [];
  if (parts.length === 1) return first.outputs;
  return first.outputs.map(({ name, width, shape }) => {
    const given = parts.map(({ outputs }) => {
      const output = outputs.find((o) => o.name === name && o.width === width);
      if (!output) throw missing(name);
      return output;
    });
    const type = given.map((output) => output.type).reduce(commonType);
    const data: Value[] = new Array(rowCount * width);
    parts.forEach(({ rows }, p) => {
      const values = inType(given[p] as OutputTensor, type).data;
      rows.forEach((row, i) => {
        for (let k = 0; k < width; k++) data[row * width + k] = values[i * width + k] ?? null;
      });
    });
    const json = given.every((output) => output.json) ? { json: true as const } : {};
    return { name, type, width, shape: [rowCount, ...shape.slice(1)], data, ...json };
  });
}

/** An output in a type that holds its values (see `commonType`). */
export function inType(output: OutputTensor, type: OutputTensor['type']): OutputTensor {
  if (output.type === type) return output;
  const numbers = output.data as ArrayLike<number | bigint | boolean>;
  const data = type === 'int64' ? BigInt64Array.from(numbers, BigInt) : Float64Array.from(numbers, Number);
  return { ...output, type, data };
}

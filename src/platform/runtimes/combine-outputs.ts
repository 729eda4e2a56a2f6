import type { OutputTensor } from '../onnx/index.ts';
import { averaged, labelOf } from './describe-graph.ts';

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
  const winners: (number | bigint | string | boolean)[] = [];
  const share = new Float64Array(rowCount);
  for (let row = 0; row < rowCount; row++) {
    const votes = new Map<string | number | bigint | boolean, number>();
    labels.forEach((label, m) => {
      const given = label?.data[row] ?? '';
      const value = same ? given : String(given);
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

/** Outputs of branches that had different rows, in the order of the rows; those of the first branch. */
export function mergeBranches(
  parts: readonly { readonly rows: readonly number[]; readonly outputs: Outputs }[],
  rowCount: number,
  missing: (name: string) => Error,
): Outputs {
  const [first] = parts;
  if (!first) return [];
  if (parts.length === 1) return first.outputs;
  return first.outputs.map(({ name, type, width, shape }) => {
    const data: (number | bigint | string | boolean)[] = new Array(rowCount * width);
    let common = type;
    for (const { rows, outputs } of parts) {
      const output = outputs.find((o) => o.name === name && o.width === width);
      if (!output) throw missing(name);
      if (output.type !== type) common = type === 'string' ? 'string' : 'double';
      rows.forEach((row, i) => {
        for (let k = 0; k < width; k++) data[row * width + k] = output.data[i * width + k] ?? '';
      });
    }
    return { name, type: common, width, shape: [rowCount, ...shape.slice(1)], data };
  });
}

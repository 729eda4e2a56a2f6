import type { OutputTensor } from '../onnx/index.ts';

/** The numbers of the rows that have the same key, in their order. */
export function groupsOf<T>(rows: readonly T[], keyOf: (row: T) => string): readonly (readonly number[])[] {
  const groups = new Map<string, number[]>();
  for (const [number, row] of rows.entries()) {
    const key = keyOf(row);
    const group = groups.get(key);
    if (group) group.push(number);
    else groups.set(key, [number]);
  }
  return [...groups.values()];
}

/**
 * The answers to groups of rows as one answer to all of them, in their order. Throws an `Error` where they are not of the
 * same kind: what was computed together is then computed one by one.
 */
export function reordered(
  answers: readonly (readonly OutputTensor[])[],
  groups: readonly (readonly number[])[],
  rowCount: number,
): readonly OutputTensor[] {
  const [first = []] = answers;
  return first.map((output, o) => {
    const { name, type, width, shape } = output;
    const data = new Array<OutputTensor['data'][number]>(rowCount * width);
    for (const [g, numbers] of groups.entries()) {
      const same = answers[g]?.[o];
      if (same?.name !== name || same.type !== type || same.width !== width || same.json !== output.json)
        throw new Error(`the answers to the rows differ in the kind of "${name}"`);
      for (const [i, number] of numbers.entries()) {
        for (let j = 0; j < width; j++) data[number * width + j] = same.data[i * width + j] ?? null;
      }
    }
    return { ...output, shape: shape.length === 0 ? shape : [rowCount, ...shape.slice(1)], data };
  });
}

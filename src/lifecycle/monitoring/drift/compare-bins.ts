import type { Comparison } from '../contract.ts';
import type { ColumnValues } from './column-values.ts';

const numericBins = 20;
const shownCategories = 20;
const other = '(other)';

/**
 * Both sides counted in the same bins, to be drawn over each other. Numbers: equal widths between the 1st and 99th
 * percentile of the reference, the outer bins open, so that an outlier does not squeeze the rest into one bin.
 * Categories: the most frequent of both sides together, then `(other)` if anything is left.
 */
export function compareBins(reference: ColumnValues, current: ColumnValues): Comparison {
  if (reference.kind === 'numeric' && current.kind === 'numeric') {
    const edges = edgesOf(
      reference.sample.sorted.length > 0 ? reference.sample.sorted : current.sample.sorted,
    );
    return {
      edges,
      categories: null,
      reference: countInBins(reference.sample.sorted, edges),
      current: countInBins(current.sample.sorted, edges),
    };
  }
  const a = reference.kind === 'categorical' ? reference.counts : new Map<string, number>();
  const b = current.kind === 'categorical' ? current.counts : new Map<string, number>();
  const share = (counts: ReadonlyMap<string, number>, column: ColumnValues, name: string) =>
    (counts.get(name) ?? 0) / Math.max(1, column.rows);
  const names = [...new Set([...a.keys(), ...b.keys()])]
    .map((name) => ({ name, share: share(a, reference, name) + share(b, current, name) }))
    .sort((x, y) => y.share - x.share || (x.name < y.name ? -1 : 1));
  const shown = names.slice(0, shownCategories).map(({ name }) => name);
  const rest = names.slice(shownCategories).map(({ name }) => name);
  const counts = (of: ReadonlyMap<string, number>) => [
    ...shown.map((name) => of.get(name) ?? 0),
    ...(rest.length === 0 ? [] : [rest.reduce((sum, name) => sum + (of.get(name) ?? 0), 0)]),
  ];
  return {
    edges: null,
    categories: rest.length === 0 ? shown : [...shown, other],
    reference: counts(a),
    current: counts(b),
  };
}

function edgesOf(sorted: Float64Array): number[] {
  if (sorted.length === 0) return [0, 1];
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
  let [low, high] = [at(0.01), at(0.99)];
  if (low === high) [low, high] = [low - 0.5, high + 0.5];
  return Array.from(
    { length: numericBins + 1 },
    (_, i) => low * (1 - i / numericBins) + high * (i / numericBins),
  );
}

/** Counts of ascending values; what lies outside the edges goes into the outer bins. */
function countInBins(sorted: Float64Array, edges: readonly number[]): number[] {
  const counts = new Array<number>(edges.length - 1).fill(0);
  let bin = 0;
  for (const value of sorted) {
    while (bin < counts.length - 1 && value >= (edges[bin + 1] ?? Number.POSITIVE_INFINITY)) bin++;
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return counts;
}

import { type CategoryCounts, countTotal } from './category-counts.ts';

/** Smallest expected count for which the chi-square approximation is trusted (Cochran 1954). */
const MIN_EXPECTED = 5;

/** Two rows of counts over the same categories, rare categories pooled. */
export interface ContingencyTable {
  readonly referenceTotal: number;
  readonly currentTotal: number;
  /** [reference, current] of each category whose expected counts are both at least 5. */
  readonly cells: readonly (readonly [number, number])[];
  /** [reference, current] of all rarer categories together; null if there are none. */
  readonly other: readonly [number, number] | null;
  /** True if the pooled rest itself is expected less than 5 times in one sample. */
  readonly otherIsSparse: boolean;
}

/** Lays two columns side by side. Categories seen in neither are dropped; rare ones are pooled into `other`. */
export function contingencyTable(reference: CategoryCounts, current: CategoryCounts): ContingencyTable {
  const referenceTotal = countTotal(reference);
  const currentTotal = countTotal(current);
  const smallerShare = Math.min(referenceTotal, currentTotal) / (referenceTotal + currentTotal);
  const cells: [number, number][] = [];
  const other: [number, number] = [0, 0];
  for (const category of new Set([...reference.keys(), ...current.keys()])) {
    const pair: [number, number] = [reference.get(category) ?? 0, current.get(category) ?? 0];
    if ((pair[0] + pair[1]) * smallerShare >= MIN_EXPECTED) cells.push(pair);
    else {
      other[0] += pair[0];
      other[1] += pair[1];
    }
  }
  const otherTotal = other[0] + other[1];
  return {
    referenceTotal,
    currentTotal,
    cells,
    other: otherTotal === 0 ? null : other,
    otherIsSparse: otherTotal > 0 && otherTotal * smallerShare < MIN_EXPECTED,
  };
}

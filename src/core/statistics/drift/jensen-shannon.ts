import type { ContingencyTable } from './contingency-table.ts';

/** How far two laws of a categorical column are apart. */
interface JensenShannon {
  /** Jensen-Shannon distance (square root of the divergence, natural logarithm), 0..0.833. */
  readonly distance: number;
  /** The distance after removing from the divergence what noise alone gives, df/8 × (1/n + 1/m); 0 at least. */
  readonly effect: number;
}

/**
 * Jensen-Shannon distance of two pooled columns of counts. null if a sample is empty.
 * Source: scipy `jensenshannon` (base e); the bias is the mean of the chi-square that 8nm/(n+m) × divergence tends to.
 */
export function jensenShannon(table: ContingencyTable): JensenShannon | null {
  const { referenceTotal: n, currentTotal: m } = table;
  if (n === 0 || m === 0) return null;
  const cells = table.other === null ? table.cells : [...table.cells, table.other];
  const entropyTerm = (p: number, mean: number): number => (p === 0 ? 0 : p * Math.log(p / mean));
  let divergence = 0;
  for (const [reference, current] of cells) {
    const p = reference / n;
    const q = current / m;
    divergence += (entropyTerm(p, (p + q) / 2) + entropyTerm(q, (p + q) / 2)) / 2;
  }
  const bias = ((cells.length - 1) / 8) * (1 / n + 1 / m);
  return { distance: Math.sqrt(Math.max(0, divergence)), effect: Math.sqrt(Math.max(0, divergence - bias)) };
}

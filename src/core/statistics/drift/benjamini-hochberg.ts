/**
 * P-values adjusted for the false discovery rate: rejecting those <= q keeps the expected share of false alarms
 * among all alarms at q. null (no test made) stays null and does not count. Order is kept.
 * Source: Benjamini, Hochberg (1995); statsmodels `multipletests(method='fdr_bh')`.
 */
export function benjaminiHochberg(pValues: readonly (number | null)[]): readonly (number | null)[] {
  const order = pValues
    .map((p, index) => ({ p, index }))
    .filter((entry): entry is { p: number; index: number } => entry.p !== null)
    .sort((a, b) => b.p - a.p);
  const adjusted: (number | null)[] = pValues.map(() => null);
  let smallest = 1;
  order.forEach(({ p, index }, position) => {
    smallest = Math.min(smallest, (p * order.length) / (order.length - position));
    adjusted[index] = smallest;
  });
  return adjusted;
}

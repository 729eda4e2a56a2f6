/** How often each category was seen. Missing values are not a category: count them apart. */
export type CategoryCounts = ReadonlyMap<string, number>;

/** The counts of a column; null and undefined (missing) are left out. */
export function categoryCounts(values: Iterable<string | null | undefined>): CategoryCounts {
  const counts = new Map<string, number>();
  for (const value of values) {
    if (value !== null && value !== undefined) counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  return counts;
}

/** Number of values counted. */
export function countTotal(counts: CategoryCounts): number {
  let total = 0;
  for (const count of counts.values()) total += count;
  return total;
}

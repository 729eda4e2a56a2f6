import { type CategoryCounts, countTotal } from './category-counts.ts';

/** A category of the window that the reference never had. */
interface NewCategory {
  readonly value: string;
  readonly count: number;
  /** Share of the current values, 0..1. */
  readonly ratio: number;
}

/** Categories of the current window that the reference never had, most frequent first (ties by name). */
export function newCategories(reference: CategoryCounts, current: CategoryCounts): readonly NewCategory[] {
  const total = countTotal(current);
  return [...current]
    .filter(([value, count]) => count > 0 && !reference.get(value))
    .map(([value, count]) => ({ value, count, ratio: count / total }))
    .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1));
}

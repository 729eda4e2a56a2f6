import { type CategoryCounts, categoryCounts } from '../../../core/statistics/drift/category-counts.ts';
import { type NumericSample, numericSample } from '../../../core/statistics/drift/numeric-sample.ts';

/** How a column is compared: as numbers, or as categories written in one of these ways. */
export type ColumnKind = 'numeric' | 'text' | 'whole' | 'boolean';

interface Counted {
  /** All rows, missing ones included. */
  readonly rows: number;
  readonly missing: number;
}

/** A column made ready for comparison. Infinities of a numeric column are in `rows` only. */
export type ColumnValues = Counted &
  (
    | { readonly kind: 'numeric'; readonly sample: NumericSample }
    | { readonly kind: 'categorical'; readonly counts: CategoryCounts }
  );

/** Whole numbers with at most this many values (hours, weekdays, codes) are compared as categories. */
export const wholeNumberCategories = 50;

/**
 * Reads values as they come from a file. Categories are written alike on both sides, whatever type the file gave
 * them: 7 and 7.0 are "7", true and 1 are "true" in a column of booleans. null and NaN are missing.
 */
export function columnValues(values: readonly unknown[], kind: ColumnKind): ColumnValues {
  const rows = values.length;
  if (kind === 'numeric') {
    const numbers = Float64Array.from(values, (value) => (value === null ? Number.NaN : Number(value)));
    const sample = numericSample(numbers);
    return { kind: 'numeric', rows, missing: sample.missing, sample };
  }
  const texts = values.map((value) => categoryOf(value, kind));
  const missing = texts.reduce((count, text) => count + (text === null ? 1 : 0), 0);
  return { kind: 'categorical', rows, missing, counts: categoryCounts(texts) };
}

function categoryOf(value: unknown, kind: Exclude<ColumnKind, 'numeric'>): string | null {
  if (value === null || value === undefined || (typeof value === 'number' && Number.isNaN(value)))
    return null;
  if (kind === 'whole') return String(Number(value));
  if (kind === 'boolean') return String(value === true || value === 1 || value === 'true' || value === '1');
  return String(value);
}

/** Values of a column that get a segment of their own. */
const TOP_VALUES = 10;
/** Fewer rows than this say too little: they go into the pooled rest. */
const MIN_ROWS = 100;

interface RowSegment {
  readonly value: string | null;
  readonly kind: 'value' | 'missing' | 'other';
  /** Row numbers, ascending. */
  readonly rows: readonly number[];
}

/**
 * Divides rows by a column's values: the ten most frequent (ties by name) with at least 100 rows each, missing
 * values, and all others together. A group of fewer than 100 rows that cannot be pooled (missing, or the rest
 * itself) is still listed, so that every row is in exactly one segment.
 */
export function segmentRows(values: readonly (string | null)[]): readonly RowSegment[] {
  const groups = new Map<string | null, number[]>();
  values.forEach((value, row) => {
    const group = groups.get(value);
    if (group) group.push(row);
    else groups.set(value, [row]);
  });
  const missing = groups.get(null);
  groups.delete(null);
  const ordered = [...groups].sort(
    ([a, left], [b, right]) => right.length - left.length || (String(a) < String(b) ? -1 : 1),
  );
  const own = ordered.filter(([, rows], rank) => rank < TOP_VALUES && rows.length >= MIN_ROWS);
  const rest = ordered.slice(own.length).flatMap(([, rows]) => rows);
  return [
    ...own.map(([value, rows]) => ({ value, kind: 'value' as const, rows })),
    ...(rest.length ? [{ value: null, kind: 'other' as const, rows: rest.sort((a, b) => a - b) }] : []),
    ...(missing ? [{ value: null, kind: 'missing' as const, rows: missing }] : []),
  ];
}

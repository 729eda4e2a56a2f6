/**
 * Items with their places, to key what has no other identity: pieces of a text, columns of a file, bars of a chart.
 * Only for lists that are replaced as a whole; what can be sorted, added or removed has a key of its own.
 */
export const placed = <T>(items: readonly T[]): readonly { readonly place: number; readonly item: T }[] =>
  items.map((item, place) => ({ place, item }));

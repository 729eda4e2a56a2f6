/** What a chooser finds. Pure. */

/** A value and the text it is shown as. */
export type Option<T extends string> = readonly [T, string];

/** Every word of the query is part of the text, in any order and case: `eu fraud` finds `fraud-scores-eu`. */
export function fits(text: string, query: string): boolean {
  const within = text.toLowerCase();
  return query
    .toLowerCase()
    .split(/\s+/)
    .every((word) => within.includes(word));
}

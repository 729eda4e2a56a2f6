/** Readers for typed search params: whatever is in the URL, a screen gets a valid view. */

export type RawSearch = Readonly<Record<string, unknown>>;

/** A non-empty text, or undefined. What the router read as a number or boolean is text again. */
export function text(value: unknown): string | undefined {
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** One of the listed words, or undefined. */
export function oneOf<T extends string>(value: unknown, words: readonly T[]): T | undefined {
  return words.find((word) => word === text(value));
}

/** Drops what is undefined or an empty text, so that a default never appears in the URL. */
export function compact<T extends Record<string, unknown>>(
  search: T,
): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(
    Object.entries(search).filter(([, value]) => value !== undefined && value !== ''),
  ) as never;
}

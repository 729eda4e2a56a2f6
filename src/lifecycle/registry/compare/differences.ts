/** Two values under one key; null: this side has none. */
interface Pair<T> {
  readonly key: string;
  readonly from: T | null;
  readonly to: T | null;
}

export interface Differences<T> {
  readonly differing: readonly T[];
  readonly sameCount: number;
}

/** Puts the values of two sides side by side, by key, and tells those that differ from those that do not. */
export function differencesOf<T>(
  from: ReadonlyMap<string, T>,
  to: ReadonlyMap<string, T>,
  isSame: (a: T, b: T) => boolean = (a, b) => a === b,
): Differences<Pair<T>> {
  const keys = [...new Set([...from.keys(), ...to.keys()])].sort();
  const pairs = keys.map((key) => ({ key, from: from.get(key) ?? null, to: to.get(key) ?? null }));
  const differing = pairs.filter(
    (pair) => pair.from === null || pair.to === null || !isSame(pair.from, pair.to),
  );
  return { differing, sameCount: pairs.length - differing.length };
}

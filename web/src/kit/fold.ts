/** An entry of a history, and those before it that say the same again. */
export type Folded<T> = { readonly shown: T; readonly again: readonly T[] };

/**
 * A history, newest first, in which of entries that follow each other and are only a routine (a bandit that moves its
 * shares) the newest is shown and the rest are folded behind it.
 */
export function foldRoutine<T>(
  entries: readonly T[],
  isRoutine: (entry: T) => boolean,
): readonly Folded<T>[] {
  const folded: { shown: T; again: T[] }[] = [];
  for (const entry of entries) {
    const before = folded.at(-1);
    if (before && isRoutine(before.shown) && isRoutine(entry)) before.again.push(entry);
    else folded.push({ shown: entry, again: [] });
  }
  return folded;
}

import { useRef } from 'react';

/** The same array as before while it holds the same values, so that what is computed from several answers is kept. */
export function useStable<T>(values: readonly T[]): readonly T[] {
  const kept = useRef(values);
  const before = kept.current;
  if (before.length !== values.length || values.some((value, index) => value !== before[index]))
    kept.current = values;
  return kept.current;
}

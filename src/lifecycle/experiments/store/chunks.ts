/** Parts small enough for the parameter limits of both databases. */
export function chunks<T>(items: readonly T[], size = 5000): readonly (readonly T[])[] {
  const parts: (readonly T[])[] = [];
  for (let i = 0; i < items.length; i += size) parts.push(items.slice(i, i + size));
  return parts;
}

export type Change = {
  readonly path: string;
  /** null: the field was not there. */
  readonly before: string | null;
  readonly after: string | null;
  readonly same: boolean;
};

/** Two recorded values as one line per leaf, changed lines first. Arrays count as leaves. */
export function changesOf(before: unknown, after: unknown): readonly Change[] {
  const left = leaves(before);
  const right = leaves(after);
  return [...new Set([...left.keys(), ...right.keys()])]
    .map((path) => {
      const old = left.get(path) ?? null;
      const now = right.get(path) ?? null;
      return { path, before: old, after: now, same: old === now };
    })
    .toSorted((a, b) => Number(a.same) - Number(b.same));
}

function leaves(value: unknown, path = '', into = new Map<string, string>()): Map<string, string> {
  if (value === null || value === undefined) {
    if (path !== '') into.set(path, 'null');
    return into;
  }
  if (typeof value === 'object' && !Array.isArray(value)) {
    for (const [key, inner] of Object.entries(value))
      leaves(inner, path === '' ? key : `${path}.${key}`, into);
    return into;
  }
  return into.set(path, typeof value === 'string' ? value : JSON.stringify(value));
}

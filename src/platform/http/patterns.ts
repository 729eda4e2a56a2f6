/**
 * Tests texts against shell patterns as Python's fnmatch does: `*`, `?` and `[…]`. A pattern without `*` is taken
 * as it stands, as MLflow's server does; letters of either case are equal.
 */
export function anyPattern(patterns: readonly string[]): (text: string) => boolean {
  const exact = new Set(patterns.filter((p) => !p.includes('*')).map((p) => p.toLowerCase()));
  const wild = patterns.filter((p) => p.includes('*')).map(toRegExp);
  return (text) => text !== '' && (exact.has(text.toLowerCase()) || wild.some((p) => p.test(text)));
}

function toRegExp(pattern: string): RegExp {
  const source = pattern.replace(/\*|\?|\[(!?)(\]?[^\]]*)\]|[.+^${}()|[\]\\]/g, (token, not, members) => {
    if (token === '*') return '.*';
    if (token === '?') return '.';
    if (members === undefined) return `\\${token}`;
    return `[${not ? '^' : ''}${String(members).replace(/[\\\]^[]/g, '\\$&')}]`;
  });
  return new RegExp(`^${source}$`, 'is');
}

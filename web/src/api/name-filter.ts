/**
 * The server's filter for names that hold a text as it was typed, whatever the case of its letters. It is a pattern,
 * since `%` and `_` stand for other characters in an ILIKE, and nothing escapes them there.
 */
export function nameFilter(text: string): string {
  const pattern = [...text].map(literal).join('');
  return `name MATCHES '${pattern.replaceAll("'", "''")}'`;
}

/** A character of a pattern that stands for itself alone, a letter in both of its cases. */
function literal(char: string): string {
  const [lower, upper] = [char.toLowerCase(), char.toUpperCase()];
  // What is two letters in its other case (ß) has none that a class could hold.
  if (lower !== upper && [...lower].length === 1 && [...upper].length === 1) return `[${lower}${upper}]`;
  return char.replace(/[.*+?()[\]{}|^$\\]/, '\\$&');
}

/**
 * A regular expression as Python's `re` writes it, where that differs from here: global flags in front (`(?i)`),
 * named groups (`(?P<name>…)`), and the ends of the text (`\A`, `\Z`). Throws SyntaxError.
 */
export function patternOf(text: string): RegExp {
  const [, flags = '', body = ''] = /^(?:\(\?([ims]+)\))?(.*)$/s.exec(text) ?? [];
  const unescaped = body
    .replaceAll('(?P<', '(?<')
    .replace(/\\([\s\S])/g, (whole, escaped) =>
      escaped === 'A' ? '(?<![\\s\\S])' : escaped === 'Z' ? '(?![\\s\\S])' : whole,
    );
  return new RegExp(unescaped, [...new Set(flags)].join(''));
}

export function isPattern(text: string): boolean {
  try {
    patternOf(text);
    return true;
  } catch {
    return false;
  }
}

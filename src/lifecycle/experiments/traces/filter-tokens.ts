export interface Token {
  readonly kind: 'identifier' | 'string' | 'number' | 'comparator' | 'list' | 'and' | 'other';
  readonly text: string;
}

const name = '(?:`[^`]*`|"[^"]*"|[\\p{L}_@#$][\\p{L}\\p{N}_$#@]*)';
const part = '(?:`[^`]*`|"[^"]*"|[\\p{L}\\p{N}_$#@-]+)';

const patterns: readonly (readonly [Token['kind'], RegExp])[] = [
  ['and', /AND(?![\w.])/iy],
  ['comparator', /(?:NOT\s+IN|IN|R?LIKE|ILIKE|IS\s+NOT\s+NULL|IS\s+NULL)(?![\w.])/iy],
  ['other', /(?:OR|NOT|IS|NULL)(?![\w.])/iy],
  ['identifier', new RegExp(`${name}(?:\\s*\\.\\s*${part})*\\.?`, 'uy')],
  ['string', /'(?:''|\\'|[^'])*'/y],
  ['number', /-?(?:\d+\.\d*|\.\d+|\d+)(?:[eE][-+]?\d+)?(?![\w.])/y],
  ['comparator', /[<>=!]+/y],
  ['list', /\((?:[^()'"]|'[^']*'|"[^"]*")*\)/y],
  ['other', /[^\s]+?(?=\s|$|[<>=!()'"`])|[^\s]/y],
];

/** Cuts a filter of traces into tokens. Never fails: what is not understood is a token of kind `other`. */
export function filterTokens(text: string): readonly Token[] {
  const tokens: Token[] = [];
  const space = /\s*/y;
  for (let at = 0; at < text.length; ) {
    space.lastIndex = at;
    at += space.exec(text)?.[0].length ?? 0;
    for (const [kind, pattern] of patterns) {
      pattern.lastIndex = at;
      const match = pattern.exec(text)?.[0];
      if (!match) continue;
      tokens.push({ kind, text: kind === 'comparator' ? match.toUpperCase().replace(/\s+/g, ' ') : match });
      at += match.length;
      break;
    }
  }
  return tokens;
}

/** Takes off quotes of one kind, or says that there are none. */
export function unquoted(text: string): string | null {
  const quote = text[0];
  const isQuoted = text.length >= 2 && (quote === "'" || quote === '"') && text.endsWith(quote);
  return isQuoted ? text.slice(1, -1) : null;
}

/** The strings of a list such as `('a', "b")`; null when it holds anything else, or nothing. */
export function listStrings(text: string): readonly string[] | null {
  const items = text.slice(1, -1).match(/\s*(?:'[^']*'|"[^"]*")\s*|[^,]+/g) ?? [];
  const strings = items.map((item) => unquoted(item.trim()));
  return strings.length > 0 && strings.every((item) => item !== null) ? strings : null;
}

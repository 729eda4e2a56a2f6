/** One token of a filter: its kind, and its text as it was written. */
export interface FilterToken {
  readonly kind: 'identifier' | 'string' | 'number' | 'operator' | 'keyword' | 'list' | 'other';
  readonly text: string;
}

const patterns: readonly (readonly [FilterToken['kind'], RegExp])[] = [
  [
    'keyword',
    /(?:AND|OR|NOT\s+(?:I?LIKE|IN)|IN|I?LIKE|RLIKE|IS\s+NOT\s+NULL|IS\s+NULL|NOT|IS|NULL)(?![\w.])/iy,
  ],
  [
    'identifier',
    /(?:`[^`]*`|"[^"]*"|[\p{L}_@#$][\p{L}\p{N}_$#@]*)(?:\s*\.\s*(?:`[^`]*`|"[^"]*"|[\p{L}\p{N}_$#@]+))*/uy,
  ],
  ['string', /'(?:''|\\'|[^'])*'/y],
  ['number', /-?(?:\d+\.\d*|\.\d+|\d+)(?:[eE][-+]?\d+)?(?![\w.])/y],
  ['operator', /[<>=!~]+/y],
  ['list', /\((?:[^()'"]|'[^']*'|"[^"]*")*\)/y],
  ['other', /[^\s]+?(?=\s|$|[<>=!~()'"`])|[^\s]/y],
];

/** Cuts a filter into tokens. Never fails: what is not understood is a token of kind `other`. */
export function filterTokens(text: string): readonly FilterToken[] {
  const tokens: FilterToken[] = [];
  let at = 0;
  while (at < text.length) {
    const space = /\s*/y;
    space.lastIndex = at;
    at += space.exec(text)?.[0].length ?? 0;
    if (at >= text.length) break;
    for (const [kind, pattern] of patterns) {
      pattern.lastIndex = at;
      const match = pattern.exec(text)?.[0];
      if (!match) continue;
      tokens.push({ kind, text: match });
      at += match.length;
      break;
    }
  }
  return tokens;
}

/**
 * The strings of a list such as `('a', "b")`.
 * Null when it is not a list of literals at all; a list that holds anything but strings is `mixed`.
 */
export function listStrings(
  text: string,
): { readonly strings: readonly string[]; readonly mixed: boolean } | null {
  const inner = text.slice(1, -1).trim().replace(/,$/, '');
  if (inner === '') return { strings: [], mixed: false };
  const strings: string[] = [];
  let mixed = false;
  for (const part of inner.match(/\s*(?:'[^']*'|"[^"]*")\s*|[^,]+/g) ?? []) {
    const item = part.trim();
    if (item === '') continue;
    if (/^(?:'[^']*'|"[^"]*")$/.test(item)) strings.push(item.slice(1, -1));
    else if (/^-?[\d.]+(?:[eE][-+]?\d+)?$/.test(item)) mixed = true;
    else return null;
  }
  return { strings, mixed };
}

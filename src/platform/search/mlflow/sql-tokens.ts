import { sqlKeywords, sqlTypes } from './sql-words.ts';

/**
 * How MLflow's SQL parser (sqlparse) sees a piece of a filter. `name` to `error` are single tokens, the others
 * groups of them.
 */
export type NodeKind =
  | 'space'
  | 'name'
  | 'placeholder'
  | 'type'
  | 'keyword'
  | 'order'
  | 'integer'
  | 'float'
  | 'hexadecimal'
  | 'string'
  | 'symbol'
  | 'punctuation'
  | 'operator'
  | 'wildcard'
  | 'comparator'
  | 'comment'
  | 'error'
  | 'Parenthesis'
  | 'SquareBrackets'
  | 'Identifier'
  | 'Function'
  | 'Operation'
  | 'TypedLiteral'
  | 'Comparison'
  | 'IdentifierList';

export interface SqlNode {
  readonly kind: NodeKind;
  readonly text: string;
  /** The parts of a comparison. */
  readonly parts?: readonly SqlNode[];
}

// As Python writes them: word characters and blanks of any alphabet, letters in both cases.
const letter = 'A-Za-zÀ-Üà-üſK';
const word = '[\\p{L}\\p{N}_]';
const edge = `(?!${word})`;

/** In the order in which they are tried at each place; `word` is looked up. */
const rules: readonly (readonly [NodeKind | 'word', RegExp])[] = (
  [
    ['comment', '(?:--|# ).*?(?:\\r\\n|\\r|\\n|$)'],
    ['space', '\\r\\n|\\r|\\n|\\s'],
    ['error', ':='],
    ['punctuation', '::'],
    ['wildcard', '\\*'],
    ['name', '`(?:``|[^`])*`'],
    ['name', '´(?:´´|[^´])*´'],
    ['placeholder', '\\?'],
    ['placeholder', `%(?:\\(${word}+\\))?[sS]`],
    ['placeholder', `(?<!${word})[$:?]${word}+`],
    ['error', `\\\\${word}+`],
    [
      'keyword',
      `(?:[Cc][Aa][Ss][Ee]|[Ii][Nn]|[Vv][Aa][Ll][Uu][Ee][Ss]|[Uu][Ss][Ii][Nn][Gg]|[Ff][Rr][Oo][Mm]|[Aa][Ss])${edge}`,
    ],
    ['name', `(?:@|##|#)[${letter}]${word}+`],
    ['name', `[${letter}]${word}*(?=\\s*\\.(?!\\p{Nd}))`],
    ['name', `(?<=\\.)[${letter}]${word}*`],
    ['name', `[${letter}]${word}*(?=\\()`],
    ['hexadecimal', '-?0[xX][\\dA-Fa-f]+'],
    ['float', '-?\\p{Nd}+(?:\\.\\p{Nd}+)?[eE]-?\\p{Nd}+'],
    ['float', `-?(?:\\p{Nd}+\\.\\p{Nd}*|\\.\\p{Nd}+)(?![_${letter}])`],
    ['integer', `-?\\p{Nd}+(?![_${letter}])`],
    ['string', "'(?:''|\\\\'|[^'])*'"],
    ['symbol', '"(?:""|\\\\"|[^"])*"'],
    ['symbol', '""|".*?[^\\\\]"'],
    ['name', `(?<![\\p{L}\\p{N}_\\])])\\[[^\\][]+\\]`],
    ['keyword', `[Nn][Oo][Tt]\\s+[Nn][Uu][Ll][Ll]${edge}`],
    [
      'order',
      `(?:[Aa][Ss][Cc]|[Dd][Ee][Ss][Cc])(?:\\s+[Nn][Uu][Ll][Ll][Ss]\\s+(?:[Ff][Ii][Rr][Ss][Tt]|[Ll][Aa][Ss][Tt]))?${edge}`,
    ],
    ['order', `[Nn][Uu][Ll][Ll][Ss]\\s+(?:[Ff][Ii][Rr][Ss][Tt]|[Ll][Aa][Ss][Tt])${edge}`],
    [
      'comparator',
      `(?:[Nn][Oo][Tt]\\s+)?(?:[Ll][Ii][Kk][Ee]|[Ii][Ll][Ii][Kk][Ee]|[Rr][Ll][Ii][Kk][Ee])${edge}`,
    ],
    ['comparator', `(?:[Nn][Oo][Tt]\\s+)?[Rr][Ee][Gg][Ee][Xx][Pp](?:\\s+[Bb][Ii][Nn][Aa][Rr][Yy])?${edge}`],
    ['word', `${word}(?:[$#]|${word})*`],
    ['punctuation', '[;:()\\[\\],.]'],
    ['operator', '->>?|#>>?|@>|<@|\\?\\|?|\\?&|-|#-'],
    ['comparator', '[<>=~!]+'],
    ['operator', '[+/@#%^&|-]+'],
  ] as const
).map(([kind, source]) => [kind, new RegExp(source, 'uy')] as const);

/** Cuts a text into tokens as MLflow's SQL parser does. Never fails. */
export function sqlTokens(text: string): readonly SqlNode[] {
  const tokens: SqlNode[] = [];
  for (let at = 0; at < text.length; ) {
    const token = tokenAt(text, at);
    tokens.push(token);
    at += token.text.length;
  }
  return tokens;
}

function tokenAt(text: string, at: number): SqlNode {
  const end = text.startsWith('/*', at) ? text.indexOf('*/', at + 2) : -1;
  if (end >= 0) return { kind: 'comment', text: text.slice(at, end + 2) };
  for (const [kind, rule] of rules) {
    rule.lastIndex = at;
    const found = rule.exec(text)?.[0];
    if (found) return { kind: kind === 'word' ? kindOfWord(found) : kind, text: found };
  }
  return { kind: 'error', text: String.fromCodePoint(text.codePointAt(at) ?? 0) };
}

function kindOfWord(found: string): NodeKind {
  const lower = found.toLowerCase();
  if (sqlKeywords.has(lower)) return 'keyword';
  if (sqlTypes.has(lower)) return 'type';
  return lower === 'div' ? 'operator' : 'name';
}

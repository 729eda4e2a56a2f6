/** A value of protobuf's text format: words are enum values and booleans. */
export type PbValue = string | number | boolean | PbMessage;
/** Fields by name, each with all its values in the order of the text. */
export interface PbMessage {
  readonly fields: ReadonlyMap<string, readonly PbValue[]>;
}

/** Where reading `config.pbtxt` stopped and why; lines count from 1. */
export class PbSyntaxError extends Error {
  override readonly name = 'PbSyntaxError';
  readonly line: number;

  constructor(line: number, problem: string) {
    super(`config.pbtxt, line ${line}: ${problem}`);
    this.line = line;
  }
}

interface Token {
  readonly kind: 'word' | 'number' | 'text' | 'sign' | 'end';
  readonly text: string;
  readonly line: number;
}

const tokenPattern =
  /(?<skip>\s+|#[^\n]*)|(?<number>[-+]?(?:0[xX][0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?[fF]?|inf(?:inity)?\b|nan\b))|(?<word>[A-Za-z_][\w.]*)|(?<text>"(?:[^"\\\n]|\\[^\n])*"|'(?:[^'\\\n]|\\[^\n])*')|(?<sign>[{}<>[\]:,;])/gy;

/** Words of the format for booleans; a field of booleans takes 1 and 0 as well. */
const booleans: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['True', true],
  ['t', true],
  ['false', false],
  ['False', false],
  ['f', false],
]);

/** Messages in messages of a sane text. */
const deepest = 64;
const longest = 1_000_000;

/**
 * Reads a message in protobuf's text format (https://protobuf.dev/reference/protobuf/textformat-spec), as
 * `config.pbtxt` is written: no schema is needed, so fields that nobody knows are read as well. Throws
 * `PbSyntaxError`.
 */
export function readPbtxt(source: string): PbMessage {
  if (source.length > longest) {
    throw new PbSyntaxError(1, `the text is longer than ${longest.toLocaleString('en-US')} characters`);
  }
  const tokens = tokenize(source);
  let at = 0;
  let depth = 0;
  const peek = (): Token => tokens[at] as Token;
  const take = (): Token => tokens[at++] as Token;
  const accept = (sign: string): boolean => {
    if (peek().kind !== 'sign' || peek().text !== sign) return false;
    at++;
    return true;
  };

  const message = (close: string | null): PbMessage => {
    if (depth > deepest)
      throw new PbSyntaxError(peek().line, `messages are nested more than ${deepest} deep`);
    depth++;
    const fields = new Map<string, PbValue[]>();
    for (;;) {
      const token = take();
      const isEnd = close === null ? token.kind === 'end' : token.kind === 'sign' && token.text === close;
      if (isEnd) {
        depth--;
        return { fields };
      }
      if (token.kind !== 'word') throw unexpected(token, close ? `a field or "${close}"` : 'a field');
      const colon = accept(':');
      const list = accept('[');
      const values = list ? listed(colon, token) : [value(colon, token)];
      const known = fields.get(token.text);
      if (known) known.push(...values);
      else fields.set(token.text, values);
      if (!accept(',')) accept(';');
    }
  };
  const listed = (colon: boolean, field: Token): PbValue[] => {
    const values: PbValue[] = [];
    if (accept(']')) return values;
    do values.push(value(colon, field));
    while (accept(','));
    if (!accept(']')) throw unexpected(peek(), '"," or "]"');
    return values;
  };
  const value = (colon: boolean, field: Token): PbValue => {
    const token = take();
    if (token.text === '{' && token.kind === 'sign') return message('}');
    if (token.text === '<' && token.kind === 'sign') return message('>');
    if (!colon) throw unexpected(token, `":" or "{" after ${field.text}`);
    if (token.kind === 'number') return numberOf(token);
    if (token.kind === 'word') return booleans.get(token.text) ?? token.text;
    if (token.kind !== 'text') throw unexpected(token, `a value of ${field.text}`);
    let text = unquoted(token.text);
    while (peek().kind === 'text') text += unquoted(take().text);
    return text;
  };
  return message(null);
}

function tokenize(source: string): readonly Token[] {
  const tokens: Token[] = [];
  const pattern = new RegExp(tokenPattern);
  let line = 1;
  while (pattern.lastIndex < source.length) {
    const start = pattern.lastIndex;
    const match = pattern.exec(source);
    if (!match) throw new PbSyntaxError(line, `${JSON.stringify(source[start])} is not expected here`);
    const [text] = match;
    const { skip, number, word, text: quoted } = match.groups ?? {};
    if (skip === undefined) {
      const kind = number ? 'number' : word ? 'word' : quoted ? 'text' : 'sign';
      tokens.push({ kind, text, line });
    }
    line += text.split('\n').length - 1;
  }
  return [...tokens, { kind: 'end', text: 'the end', line }];
}

function unexpected(token: Token, wanted: string): PbSyntaxError {
  return new PbSyntaxError(token.line, `expected ${wanted}, found ${token.text}`);
}

function numberOf({ text, line }: Token): number {
  const sign = text.startsWith('-') ? -1 : 1;
  const size = text.replace(/^[-+]/, '');
  if (/^inf/.test(size)) return sign * Number.POSITIVE_INFINITY;
  if (size === 'nan') return Number.NaN;
  if (/^0\d+$/.test(size)) {
    if (/[89]/.test(size)) throw new PbSyntaxError(line, `${text} begins with 0 and is not octal`);
    return sign * Number.parseInt(size, 8);
  }
  return sign * (/^0[xX]/.test(size) ? Number(size) : Number.parseFloat(size));
}

const escapes: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, a: 7, b: 8, f: 12, v: 11 };

/** Escapes stand for bytes, as in C; together they are UTF-8. */
function unquoted(quoted: string): string {
  const inner = quoted.slice(1, -1);
  if (!inner.includes('\\')) return inner;
  const bytes: number[] = [];
  const pattern = /\\(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3})|(.))|([^\\]+)/gsu;
  for (const [, hex, octal, letter, plain] of inner.matchAll(pattern)) {
    if (plain !== undefined) bytes.push(...Buffer.from(plain, 'utf8'));
    else if (hex !== undefined) bytes.push(Number.parseInt(hex, 16));
    else if (octal !== undefined) bytes.push(Number.parseInt(octal, 8) & 255);
    else bytes.push(...(letter && letter in escapes ? [escapes[letter] ?? 0] : Buffer.from(letter ?? '')));
  }
  return Buffer.from(bytes).toString('utf8');
}

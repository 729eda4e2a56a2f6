import { parseDuration } from '../../core/time.ts';
import { misplaced, type Place } from './problem.ts';

/** One part of a name: what stands between its dots. */
export interface NamePart extends Place {
  readonly text: string;
  readonly isQuoted: boolean;
}

/** A token of our own grammar, with its place in the text. */
export type Token = Place &
  (
    | { readonly kind: 'name'; readonly parts: readonly NamePart[] }
    | { readonly kind: 'string'; readonly text: string }
    | { readonly kind: 'number'; readonly value: number }
    /** Milliseconds, written as `90s`, `2h`, `7d`. */
    | { readonly kind: 'duration'; readonly value: number }
    | { readonly kind: 'symbol'; readonly text: string }
    | { readonly kind: 'end' }
  );

const space = /\s+/y;
const number = /[+-]?(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?/y;
const unit = /(?:ms|[smhdw])(?![\p{L}\p{N}_])/uy;
const firstPart = /[\p{L}_][\p{L}\p{N}_]*/uy;
// After the first dot a key may hold the other characters that keys of metrics and params may hold.
const laterPart = /[\p{L}\p{N}_](?:[\p{L}\p{N}_]|[-/:@$#](?=[\p{L}\p{N}_]))*/uy;
const symbol = /<=|>=|!=|<>|==|[<>=(),+-]/y;

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}

/**
 * Cuts a filter or an order into tokens; the last is the end. Names may hold dots and parts in backticks or
 * double quotes; a double-quoted text that is no part of a name is a name of one part, which the parser takes
 * as a string where a value is wanted. Throws `filter_invalid` at a character that starts nothing.
 */
export function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  for (;;) {
    at += matchAt(space, text, at)?.length ?? 0;
    if (at >= text.length) break;
    const token = tokenAt(text, at, tokens.at(-1));
    tokens.push(token);
    at += token.length;
  }
  return [...tokens, { kind: 'end', position: text.length, length: 0 }];
}

function tokenAt(text: string, at: number, before: Token | undefined): Token {
  const char = text[at] ?? '';
  if (char === "'") return stringAt(text, at);
  // After a value or a bracket a sign is an operator: now()-7d.
  const signed = before?.kind === 'symbol' && before.text !== ')' ? true : before === undefined;
  const digits = !/[+-]/.test(char) || signed ? matchAt(number, text, at) : undefined;
  if (digits !== undefined) return numberAt(text, at, digits);
  if (char === '`' || char === '"' || matchAt(firstPart, text, at) !== undefined) return nameAt(text, at);
  const sign = matchAt(symbol, text, at);
  if (sign !== undefined) return { kind: 'symbol', text: sign, position: at, length: sign.length };
  throw misplaced(text, { position: at, length: 1 }, `Unexpected character ${char}`, [
    'a name',
    'a value',
    'an operator',
  ]);
}

function numberAt(text: string, at: number, digits: string): Token {
  const end = at + digits.length;
  const suffix = matchAt(unit, text, end);
  if (suffix !== undefined) {
    const written = `${digits}${suffix}`;
    if (/^[+-]?\d/.test(digits) && !/[eE]|\.$|^[+-]/.test(digits)) {
      return { kind: 'duration', value: parseDuration(written), position: at, length: written.length };
    }
  }
  const tail = matchAt(/[\p{L}\p{N}_.]+/uy, text, end);
  if (tail !== undefined) {
    const place = { position: at, length: digits.length + tail.length };
    throw misplaced(text, place, `${digits}${tail} is not a number`, ['a number', 'a duration such as 2h']);
  }
  return { kind: 'number', value: Number(digits), position: at, length: digits.length };
}

function stringAt(text: string, at: number): Token {
  let end = at + 1;
  // Two quotes stand for one, as in SQL.
  while (end < text.length && (text[end] !== "'" || text[end + 1] === "'")) end += text[end] === "'" ? 2 : 1;
  if (end >= text.length) throw unclosed(text, at, "'");
  const inner = text.slice(at + 1, end).replaceAll("''", "'");
  return { kind: 'string', text: inner, position: at, length: end + 1 - at };
}

function nameAt(text: string, start: number): Token {
  const parts: NamePart[] = [];
  let at = start;
  for (;;) {
    const part = partAt(text, at, parts.length === 0);
    parts.push(part);
    at += part.length;
    const dot = matchAt(/\s*\.\s*/y, text, at);
    if (dot === undefined) break;
    at += dot.length;
  }
  return { kind: 'name', parts, position: start, length: at - start };
}

function partAt(text: string, at: number, isFirst: boolean): NamePart {
  const quote = text[at];
  if (quote === '`' || quote === '"') {
    const end = text.indexOf(quote, at + 1);
    if (end < 0) throw unclosed(text, at, quote);
    return { text: text.slice(at + 1, end), isQuoted: true, position: at, length: end + 1 - at };
  }
  const word = matchAt(isFirst ? firstPart : laterPart, text, at);
  if (word !== undefined) return { text: word, isQuoted: false, position: at, length: word.length };
  throw misplaced(text, { position: at, length: at < text.length ? 1 : 0 }, 'A name ends with a dot', [
    'a key, in backticks when it holds other characters than letters, digits and _',
  ]);
}

function unclosed(text: string, at: number, quote: string): Error {
  const place = { position: at, length: text.length - at };
  return misplaced(text, place, `A ${quote} that is not closed`, [`another ${quote}`]);
}

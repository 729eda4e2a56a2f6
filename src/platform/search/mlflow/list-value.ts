import { invalidFilter } from '../problem.ts';
import { repr } from './clauses.ts';

const escapes: Readonly<Record<string, string>> = {
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\n': '',
};

/**
 * The strings of a list such as `('a', "b")`, read as Python reads a tuple: neighbouring strings are one, a comma
 * may end it, backslashes escape. Throws `filter_invalid` with MLflow's texts for an empty list, one with anything
 * but strings, and what is no list.
 */
export function listStrings(text: string): readonly string[] {
  const start = 'While parsing a list in the query, expected';
  const items = literals(text.slice(1, -1));
  if (items === null) {
    throw invalidFilter(`${start} a non-empty list of string values, but got ill-formed list.`);
  }
  if (items.length === 0) {
    throw invalidFilter(`${start} a non-empty list of string values, but got empty list`);
  }
  if (items.every((item) => typeof item === 'string')) return items;
  const shown = items.map((item) => (typeof item === 'string' ? repr(item) : item.number));
  throw invalidFilter(
    `${start} string value, punctuation, or whitespace, but got different type in list: (${shown.join(', ')}${shown.length === 1 ? ',' : ''})`,
  );
}

/**
 * The items of a list about logged models, which may be empty and hold numbers; those compare as their text.
 * Throws `filter_invalid` for what is no list.
 */
export function listItems(text: string): readonly string[] {
  const items = literals(text.slice(1, -1));
  if (items === null) throw invalidFilter(`malformed node or string in list: ${text}`);
  return items.map((item) => (typeof item === 'string' ? item : item.number));
}

type Literal = string | { readonly number: string };

/** Null for anything but strings and numbers with commas between. */
function literals(text: string): readonly Literal[] | null {
  const items: Literal[] = [];
  let needsComma = false;
  for (let at = 0; at < text.length; ) {
    const space = /\s*/y;
    space.lastIndex = at;
    at += space.exec(text)?.[0].length ?? 0;
    if (at >= text.length) break;
    if (text[at] === ',') {
      if (!needsComma) return null;
      needsComma = false;
      at += 1;
      continue;
    }
    const token =
      /(?:'(?:\\[\s\S]|[^'\\\n])*'|"(?:\\[\s\S]|[^"\\\n])*"|[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)/y;
    token.lastIndex = at;
    const found = token.exec(text)?.[0];
    if (found === undefined) return null;
    const isString = /^['"]/.test(found);
    const last = items.at(-1);
    if (needsComma) {
      if (!isString || typeof last !== 'string') return null;
      items[items.length - 1] = last + unescaped(found);
    } else {
      items.push(isString ? unescaped(found) : { number: pythonNumber(found) });
    }
    needsComma = true;
    at += found.length;
  }
  return items;
}

/** A number as Python shows it. */
function pythonNumber(text: string): string {
  if (/^[+-]?\d+$/.test(text)) return String(Number(text));
  const shown = String(Number(text));
  return /^-?\d+$/.test(shown) ? `${shown}.0` : shown;
}

function unescaped(quoted: string): string {
  return quoted.slice(1, -1).replace(/\\([\s\S])/g, (whole, char: string) => escapes[char] ?? whole);
}

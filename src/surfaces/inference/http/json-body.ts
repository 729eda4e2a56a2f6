import { isUtf8 } from 'node:buffer';
import { mayHoldPythonWords, standardJson } from '../../../core/python-json.ts';
import { malformed } from '../request-context.ts';
import { cutNumberLists, withNumberLists } from './number-lists.ts';
import { checkJsonValues } from './request-size.ts';

type Json = Readonly<Record<string, unknown>>;

/** What a protocol says of a body that is no JSON, and of one that is no object. */
export interface JsonWords {
  readonly notJson: string;
  readonly notObject: string;
}

const ownWords: JsonWords = {
  notJson: 'the body is not JSON',
  notObject: 'the body must be a JSON object',
};

/**
 * Parses a JSON body that must be an object. NaN, Infinity and -Infinity, which Python's json writes, are read
 * as null (a missing value) and as infinities. A byte order mark before it is let be (RFC 8259, section 8.1). Throws
 * `request_malformed`, saying where it breaks and nothing of what stands there; so for bytes that are no UTF-8 and for
 * half a surrogate pair (`\ud800`), of which other texts would be made.
 */
export function parseJson(body: Buffer, words: JsonWords = ownWords): Json {
  checkJsonValues(body);
  if (!isUtf8(body)) throw malformed(`${words.notJson}: it is not UTF-8 text`);
  const json = object(parsed(textOfJson(body), undefined, words), words);
  if (holdsHalfPair(body, json)) {
    throw malformed(`${words.notJson}: a text in it holds half of a surrogate pair, which is no character`);
  }
  return json;
}

/** A body whose `inputs` are tensors: long lists of numbers are read thriftily, as typed arrays. Else as parseJson. */
export function parseTensorJson(body: Buffer): Json {
  return withTypedLists(body) ?? parseJson(body);
}

function withTypedLists(body: Buffer): Json | null {
  const cut = cutNumberLists(body);
  if (!cut || !isUtf8(cut.json)) return null;
  checkJsonValues(
    cut.json,
    cut.lists.reduce((sum, { length }) => sum + length, 0),
  );
  try {
    const json = object(parsed(textOfJson(cut.json)));
    if (holdsHalfPair(cut.json, json)) return null;
    const inputs = withNumberLists(json.inputs, cut.lists);
    return inputs && { ...json, inputs };
  } catch {
    // Told with its place in the body when all of it is parsed.
    return null;
  }
}

/** The same with integers beyond 2^53 as BigInt; slower. */
export function parseExactJson(body: Buffer): Json {
  checkJsonValues(body);
  const exact = (_key: string, value: unknown, context: { readonly source?: string }) =>
    typeof value === 'number' && isInexact(value) && /^-?\d+$/.test(context.source ?? '')
      ? BigInt(context.source as string)
      : value;
  return object(parsed(textOfJson(body), exact as (key: string, value: unknown) => unknown));
}

/** The same with NaN for whole numbers that are written with a point or an exponent, as 3.0, where that says something. */
export function parseWrittenJson(body: Buffer): Json {
  const written = (_key: string, value: unknown, { source }: { readonly source?: string }) =>
    typeof value === 'number' && Number.isInteger(value) && /[.eE]/.test(source ?? '') ? Number.NaN : value;
  return object(parsed(textOfJson(body), written as (key: string, value: unknown) => unknown));
}

/** May the body hold an integer that JSON.parse rounds? */
export function mayBeInexact(body: Buffer): boolean {
  return /\d{16}/.test(body.toString('latin1'));
}

/** Is the value an integer that JSON.parse may have rounded? */
export function isInexact(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value);
}

/** The text of a JSON body, without the byte order mark that some programs begin it with. */
export function textOfJson(body: Buffer): string {
  const hasMark = body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf;
  return body.toString('utf8', hasMark ? 3 : 0);
}

/** Has a text or a name in what was read from the body half of a surrogate pair? Such come as escapes alone. */
function holdsHalfPair(body: Buffer, json: Json): boolean {
  if (!body.includes('\\ud') && !body.includes('\\uD')) return false;
  const left: object[] = [json];
  for (let value = left.pop(); value; value = left.pop()) {
    const members: readonly unknown[] = Array.isArray(value) ? value : Object.entries(value).flat();
    for (const member of members) {
      if (typeof member === 'string' && !member.isWellFormed()) return true;
      if (typeof member === 'object' && member !== null) left.push(member);
    }
  }
  return false;
}

function parsed(
  text: string,
  reviver?: (key: string, value: unknown) => unknown,
  words: JsonWords = ownWords,
): unknown {
  try {
    return JSON.parse(text, reviver);
  } catch (cause) {
    if (mayHoldPythonWords(text)) {
      try {
        return JSON.parse(standardJson(text), reviver);
      } catch {
        // Told below.
      }
    }
    throw malformed(`${words.notJson}${place(text, cause as Error)}`);
  }
}

/** Where it breaks, by what V8 says; its message quotes the text, which is the caller's and not told. */
function place(text: string, { message }: Error): string {
  if (text.trim() === '') return ': it is empty';
  const position = /at position (\d+)/.exec(message)?.[1];
  if (position !== undefined) return `: it breaks at character ${position}`;
  return /end of JSON/.test(message) ? ': it is cut off' : '';
}

function object(value: unknown, words: JsonWords = ownWords): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw malformed(words.notObject);
  }
  return value as Json;
}

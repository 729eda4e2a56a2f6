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
 * as null (a missing value) and as infinities. Throws `request_malformed`, saying where it breaks and nothing of
 * what stands there; so for bytes that are no UTF-8, of which other values would be made.
 */
export function parseJson(body: Buffer, words: JsonWords = ownWords): Json {
  checkJsonValues(body);
  if (!isUtf8(body)) throw malformed(`${words.notJson}: it is not UTF-8 text`);
  return object(parsed(body.toString('utf8'), undefined, words), words);
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
    const json = object(parsed(cut.json.toString('utf8')));
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
  const text = body.toString('utf8');
  const exact = (_key: string, value: unknown, context: { readonly source?: string }) =>
    typeof value === 'number' && isInexact(value) && /^-?\d+$/.test(context.source ?? '')
      ? BigInt(context.source as string)
      : value;
  return object(parsed(text, exact as (key: string, value: unknown) => unknown));
}

/** The same with NaN for whole numbers that are written with a point or an exponent, as 3.0, where that says something. */
export function parseWrittenJson(body: Buffer): Json {
  const written = (_key: string, value: unknown, { source }: { readonly source?: string }) =>
    typeof value === 'number' && Number.isInteger(value) && /[.eE]/.test(source ?? '') ? Number.NaN : value;
  return object(parsed(body.toString('utf8'), written as (key: string, value: unknown) => unknown));
}

/** May the body hold an integer that JSON.parse rounds? */
export function mayBeInexact(body: Buffer): boolean {
  return /\d{16}/.test(body.toString('latin1'));
}

/** Is the value an integer that JSON.parse may have rounded? */
export function isInexact(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value);
}

function parsed(
  text: string,
  reviver?: (key: string, value: unknown) => unknown,
  words: JsonWords = ownWords,
): unknown {
  // RFC 8259 lets a parser ignore the mark, which some clients send.
  if (text.startsWith('\uFEFF')) return parsed(text.slice(1), reviver, words);
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

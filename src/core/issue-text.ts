import { z } from 'zod';
import { nearestName } from './nearest-name.ts';

type RawIssue = z.core.$ZodRawIssue;

/** Longer texts are not quoted: they say less than the field's name, and may be whole documents. */
const longestQuote = 60;

/**
 * What a schema expected, in words for people: "expected a whole number", "is missing; expected text". Handed to a
 * schema's `safeParse` as its `error`; messages that a schema brings itself go before.
 *
 * @returns undefined for what has no words here; the schema library's own are then taken
 */
export function describeIssue(issue: RawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined
        ? `is missing; expected ${typeWord(issue.expected)}`
        : `expected ${typeWord(issue.expected)}`;
    case 'invalid_value':
      return issue.input === undefined
        ? `is missing; expected ${choice(issue.values)}`
        : `expected ${choice(issue.values)}`;
    case 'too_small':
      return `expected ${bound(issue.origin, issue.minimum, issue.inclusive ? 'at least' : 'more than')}`;
    case 'too_big':
      return `expected ${bound(issue.origin, issue.maximum, issue.inclusive ? 'at most' : 'less than')}`;
    case 'not_multiple_of':
      return `expected a multiple of ${issue.divisor}`;
    case 'invalid_format':
      return formatWord(issue);
    case 'unrecognized_keys':
      return unknownKeys(issue.keys, issue.inst);
    case 'invalid_union':
      return Array.isArray(issue.options) ? `expected ${choice(issue.options)}` : undefined;
    default:
      return undefined;
  }
}

/**
 * The value behind a complaint as it is shown beside what was expected: short texts, numbers and booleans as they
 * are, of everything else the kind. Null where there is nothing to show: no value, or a text too long to help.
 */
export function quoted(value: unknown): string | null {
  if (value === undefined) return null;
  if (typeof value === 'string') return value.length <= longestQuote ? JSON.stringify(value) : null;
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

function typeWord(expected: string): string {
  const words: Readonly<Record<string, string>> = {
    string: 'text',
    number: 'a number',
    int: 'a whole number',
    boolean: 'true or false',
    array: 'a list',
    object: 'an object',
    record: 'an object',
    null: 'null',
  };
  return words[expected] ?? `a ${expected}`;
}

function choice(values: readonly unknown[]): string {
  const texts = values.map((value) => (typeof value === 'string' ? `"${value}"` : String(value)));
  return texts.length === 1 ? (texts[0] ?? '') : `one of ${texts.join(', ')}`;
}

function bound(origin: string, limit: number | bigint, relation: string): string {
  const units: Readonly<Record<string, string>> = {
    string: 'character',
    array: 'item',
    set: 'item',
    map: 'entry',
    object: 'key',
  };
  const unit = units[origin];
  if (unit === undefined) return `${relation} ${limit}`;
  return `${relation} ${limit} ${Number(limit) === 1 ? unit : unit.replace(/y$/, 'ie').concat('s')}`;
}

function formatWord(issue: Extract<RawIssue, { code: 'invalid_format' }>): string | undefined {
  const words: Readonly<Record<string, string>> = {
    datetime: 'a time such as 2026-01-31T12:00:00Z',
    date: 'a day such as 2026-01-31',
    url: 'a URL',
    uuid: 'a UUID',
    base64: 'base64',
  };
  const word = words[issue.format];
  if (word !== undefined) return `expected ${word}`;
  return issue.format === 'regex' && typeof issue.pattern === 'string'
    ? `expected text that matches ${issue.pattern}`
    : undefined;
}

function unknownKeys(keys: readonly string[], schema: unknown): string {
  const known = schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
  const [only = ''] = keys;
  const guess = keys.length === 1 ? nearestName(only, known) : null;
  if (guess !== null) return `unknown key "${only}"; did you mean "${guess}"?`;
  const named = keys.map((key) => `"${key}"`).join(', ');
  const all = known.length > 0 ? `; the keys are ${known.join(', ')}` : '';
  return `unknown ${keys.length === 1 ? 'key' : 'keys'} ${named}${all}`;
}

/** The first complaint of a schema with its place; `whole` is what is called by name where all of it is wrong. */
export function firstIssue({ issues: [issue] }: z.core.$ZodError, whole: string): string {
  return `${issue?.path.map(String).join('.') || whole}: ${issue?.message}`;
}

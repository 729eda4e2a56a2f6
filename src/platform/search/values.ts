import { parseDuration, parseTime } from '../../core/time.ts';
import type { Comparator, Condition } from './expression.ts';
import type { Token } from './lexer.ts';
import type { OperandType, TypedOperand } from './operand.ts';
import { misplaced } from './problem.ts';

const order: readonly Comparator[] = ['=', '!=', '<', '<=', '>', '>='];
const textual: readonly Comparator[] = ['LIKE', 'NOT LIKE', 'ILIKE', 'NOT ILIKE', 'MATCHES', 'NOT MATCHES'];
const nulls: readonly Comparator[] = ['IS NULL', 'IS NOT NULL'];

/** The comparators that each type of operand takes. */
export const comparatorsOf: Readonly<Record<OperandType, readonly Comparator[]>> = {
  number: [...order, 'IN', 'NOT IN', ...nulls],
  time: [...order, ...nulls],
  duration: [...order, ...nulls],
  age: order,
  string: ['=', '!=', ...textual, 'IN', 'NOT IN', ...nulls],
  text: [...order, ...textual, 'IN', 'NOT IN', ...nulls],
};

/** What a value may be, for messages. */
export const valuesOf: Readonly<Record<OperandType, readonly string[]>> = {
  number: ['a number'],
  time: ["a time such as '2026-01-31' or now() - 7d", 'epoch milliseconds'],
  duration: ['seconds', "a duration such as '2h'"],
  age: ["a duration such as '7d'", 'seconds'],
  string: ["a text in quotes such as 'my-value'"],
  text: ["a text in quotes such as 'my-value'", 'a number', 'true or false'],
};

/** A value as it was read, before the operand's type gives it its meaning. */
export type Literal =
  | Extract<Token, { kind: 'string' | 'number' | 'duration' }>
  | { readonly kind: 'boolean'; readonly value: boolean; readonly position: number; readonly length: number }
  | { readonly kind: 'time'; readonly value: number; readonly position: number; readonly length: number };

type Scalar = string | number | boolean;

/** The comparison with a value, or with a list of them. Throws `filter_invalid` at a value of the wrong type. */
export function typedCondition(
  text: string,
  { operand, type }: TypedOperand,
  comparator: Comparator,
  value: Literal | readonly Literal[],
  nowMs: number,
): Condition {
  if (Array.isArray(value)) {
    const values = (value as readonly Literal[]).map((item) => scalar(text, type, item, comparator));
    const listed = values.filter((item) => typeof item !== 'boolean');
    const first = value[0] as Literal | undefined;
    const isMixed = listed.length < values.length || new Set(listed.map((item) => typeof item)).size > 1;
    if (first && isMixed)
      throw misplaced(text, first, 'A list of different kinds of values', valuesOf[type].slice(0, 2));
    return { kind: 'condition', ...operand, comparator, value: listed };
  }
  const read = scalar(text, type, value as Literal, comparator);
  if (type !== 'age') return { kind: 'condition', ...operand, comparator, value: read };
  return { kind: 'condition', ...operand, comparator: mirrored(comparator), value: nowMs - Number(read) };
}

/** Younger than seven days is started later than seven days ago. */
function mirrored(comparator: Comparator): Comparator {
  const other: Partial<Record<Comparator, Comparator>> = { '<': '>', '<=': '>=', '>': '<', '>=': '<=' };
  return other[comparator] ?? comparator;
}

function scalar(text: string, type: OperandType, value: Literal, comparator: Comparator): Scalar {
  const wrong = () => misplaced(text, value, `Not ${valuesOf[type][0]}`, valuesOf[type]);
  switch (type) {
    case 'number':
      if (value.kind === 'number') return value.value;
      throw wrong();
    case 'string':
      if (value.kind === 'string') return value.text;
      throw wrong();
    case 'text': {
      if (value.kind === 'string') return value.text;
      const isOrder = order.includes(comparator);
      if (value.kind === 'number' && (isOrder || comparator.endsWith('IN'))) return value.value;
      if (value.kind === 'boolean' && (comparator === '=' || comparator === '!=')) return value.value;
      throw wrong();
    }
    case 'time':
      return timeOf(value) ?? orThrow(wrong);
    default:
      return lengthOf(value) ?? orThrow(wrong);
  }
}

function orThrow(error: () => Error): never {
  throw error();
}

function timeOf(value: Literal): number | null {
  if (value.kind === 'number' || value.kind === 'time') return value.value;
  if (value.kind !== 'string') return null;
  return read(() => parseTime(value.text));
}

function read(parse: () => number): number | null {
  try {
    return parse();
  } catch {
    return null;
  }
}

/** Milliseconds; a number without a unit is seconds. */
function lengthOf(value: Literal): number | null {
  if (value.kind === 'duration') return value.value;
  if (value.kind === 'number') return value.value * 1000;
  return value.kind === 'string' ? read(() => parseDuration(value.text)) : null;
}

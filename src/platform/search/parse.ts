import type { Comparator, Condition, Expression, OrderKey } from './expression.ts';
import { type Token, tokensOf } from './lexer.ts';
import { readOperand, type TypedOperand } from './operand.ts';
import { misplaced, type Place } from './problem.ts';
import { checkPattern } from './regex/index.ts';
import { comparatorsOf, type Literal, typedCondition, valuesOf } from './values.ts';
import type { Vocabulary } from './vocabulary.ts';

/** More would make statements that a database refuses. */
const maxDepth = 40;
const maxConditions = 200;

const inversions: Readonly<Record<string, Comparator>> = {
  LIKE: 'NOT LIKE',
  ILIKE: 'NOT ILIKE',
  MATCHES: 'NOT MATCHES',
  IN: 'NOT IN',
};

/**
 * Reads a filter of our own grammar (docs/search.md): comparisons joined by AND, OR and NOT, with parentheses;
 * null when there is nothing in it. Throws `filter_invalid`, which points at the place.
 *
 * @param nowMs what `now()` and `age` mean
 */
export function parseOwnFilter(text: string, vocabulary: Vocabulary, nowMs: number): Expression | null {
  const parser = new Parser(text, vocabulary, nowMs);
  return parser.atEnd() ? null : parser.filter();
}

/** Reads an order of our own grammar: operands separated by commas, each with ASC or DESC. */
export function parseOwnOrder(text: string, vocabulary: Vocabulary): readonly OrderKey[] {
  const parser = new Parser(text, vocabulary, 0);
  return parser.atEnd() ? [] : parser.order();
}

class Parser {
  readonly #text: string;
  readonly #vocabulary: Vocabulary;
  readonly #nowMs: number;
  readonly #tokens: readonly Token[];
  #at = 0;
  #conditions = 0;

  constructor(text: string, vocabulary: Vocabulary, nowMs: number) {
    this.#text = text;
    this.#vocabulary = vocabulary;
    this.#nowMs = nowMs;
    this.#tokens = tokensOf(text);
  }

  atEnd(): boolean {
    return this.#peek().kind === 'end';
  }

  filter(): Expression {
    const expression = this.#or(0);
    if (!this.atEnd()) throw this.#unexpected(['AND', 'OR', 'the end']);
    return expression;
  }

  order(): readonly OrderKey[] {
    const keys: OrderKey[] = [];
    do {
      const token = this.#peek();
      const { operand } = this.#operand();
      if (operand.entity === 'dataset') throw misplaced(this.#text, token, 'Datasets give no order', []);
      const descending = this.#takeWord('DESC') || (this.#takeWord('ASC') && false);
      const key = { ...operand, descending };
      const isSame = (k: OrderKey) =>
        k.entity === key.entity && k.key === key.key && (k.stat ?? 'last') === (key.stat ?? 'last');
      if (keys.some(isSame)) throw misplaced(this.#text, token, 'A key that the order has already', []);
      keys.push(key);
    } while (this.#takeSymbol(','));
    if (!this.atEnd()) throw this.#unexpected(['ASC', 'DESC', 'a comma', 'the end']);
    return keys;
  }

  #peek(ahead = 0): Token {
    return this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)] as Token;
  }

  #next(): Token {
    const token = this.#peek();
    this.#at++;
    return token;
  }

  /** The token as a keyword; a quoted word or a name with a dot is none. */
  #word(token: Token): string | null {
    const part = token.kind === 'name' && token.parts.length === 1 ? token.parts[0] : undefined;
    return part && !part.isQuoted ? part.text.toUpperCase() : null;
  }

  #takeWord(word: string): boolean {
    if (this.#word(this.#peek()) !== word) return false;
    this.#at++;
    return true;
  }

  #takeSymbol(symbol: string): boolean {
    const token = this.#peek();
    if (token.kind !== 'symbol' || token.text !== symbol) return false;
    this.#at++;
    return true;
  }

  #expectSymbol(symbol: string): void {
    if (!this.#takeSymbol(symbol)) throw this.#unexpected([symbol]);
  }

  #unexpected(expected: readonly string[]): Error {
    const token = this.#peek();
    const shown = this.#text.slice(token.position, token.position + token.length);
    return misplaced(this.#text, token, token.kind === 'end' ? 'It ends' : `Unexpected ${shown}`, expected);
  }

  #or(depth: number): Expression {
    const parts = [this.#and(depth)];
    while (this.#takeWord('OR')) parts.push(this.#and(depth));
    return parts.length === 1 ? (parts[0] as Expression) : { kind: 'or', parts };
  }

  #and(depth: number): Expression {
    const parts = [this.#not(depth)];
    while (this.#takeWord('AND')) parts.push(this.#not(depth));
    return parts.length === 1 ? (parts[0] as Expression) : { kind: 'and', parts };
  }

  #not(depth: number): Expression {
    if (depth > maxDepth) throw misplaced(this.#text, this.#peek(), 'Too deep', ['fewer parentheses']);
    if (this.#takeWord('NOT')) return { kind: 'not', part: this.#not(depth + 1) };
    if (!this.#takeSymbol('(')) return this.#comparison();
    const inner = this.#or(depth + 1);
    if (!this.#takeSymbol(')')) throw this.#unexpected(['AND', 'OR', ')']);
    return inner;
  }

  #operand(): TypedOperand {
    const token = this.#peek();
    if (token.kind !== 'name' || /^(AND|OR|NOT|IN|IS|NULL)$/.test(this.#word(token) ?? '')) {
      throw this.#unexpected(['a field such as metrics.loss, params.lr, tags.team or start_time']);
    }
    this.#at++;
    return readOperand(this.#text, token, this.#vocabulary);
  }

  #comparison(): Condition {
    const start = this.#peek();
    if (++this.#conditions > maxConditions) {
      throw misplaced(this.#text, start, `More than ${maxConditions} comparisons`, ['IN with a list']);
    }
    const typed = this.#operand();
    const place = this.#peek();
    const comparator = this.#comparator(typed);
    if (!comparatorsOf[typed.type].includes(comparator)) {
      throw misplaced(this.#text, place, `${comparator} does not fit here`, comparatorsOf[typed.type]);
    }
    if (comparator === 'IS NULL' || comparator === 'IS NOT NULL') {
      return { kind: 'condition', ...typed.operand, comparator, value: null };
    }
    const isList = comparator === 'IN' || comparator === 'NOT IN';
    const at = this.#peek();
    const value = isList ? this.#list(typed) : this.#literal(typed);
    const condition = typedCondition(this.#text, typed, comparator, value, this.#nowMs);
    if (comparator.endsWith('MATCHES')) this.#checkPattern(String(condition.value), at);
    return condition;
  }

  #comparator(typed: TypedOperand): Comparator {
    const token = this.#next();
    if (token.kind === 'symbol' && /^[<>=!]/.test(token.text)) {
      const same: Readonly<Record<string, Comparator>> = { '==': '=', '<>': '!=' };
      return same[token.text] ?? (token.text as Comparator);
    }
    const word = this.#word(token);
    if (word === 'IS') {
      const not = this.#takeWord('NOT');
      if (this.#takeWord('NULL')) return not ? 'IS NOT NULL' : 'IS NULL';
      throw this.#unexpected(not ? ['NULL'] : ['NULL', 'NOT NULL']);
    }
    const inverted = word === 'NOT';
    const name = inverted ? this.#word(this.#next()) : word;
    const comparator = name === 'RLIKE' ? 'MATCHES' : name;
    const inversion = comparator === null ? undefined : inversions[comparator];
    if (inversion !== undefined) return inverted ? inversion : (comparator as Comparator);
    this.#at--;
    throw this.#unexpected(inverted ? Object.keys(inversions) : comparatorsOf[typed.type]);
  }

  #list(typed: TypedOperand): readonly Literal[] {
    this.#expectSymbol('(');
    const items = [this.#literal(typed)];
    while (this.#takeSymbol(',')) {
      // A comma after the last item is allowed, as in MLflow.
      if (this.#peek().kind === 'symbol') break;
      items.push(this.#literal(typed));
    }
    if (!this.#takeSymbol(')')) throw this.#unexpected(['a comma', ')']);
    return items;
  }

  #literal({ type }: TypedOperand): Literal {
    const token = this.#next();
    if (token.kind === 'string' || token.kind === 'number' || token.kind === 'duration') return token;
    if (token.kind === 'name' && token.parts.length === 1) {
      const [part] = token.parts;
      const { position, length } = token;
      if (part?.isQuoted && this.#text[position] === '"') {
        return { kind: 'string', text: part.text, position, length };
      }
      const word = this.#word(token);
      if (word === 'TRUE' || word === 'FALSE') {
        return { kind: 'boolean', value: word === 'TRUE', position, length };
      }
      if (word === 'NOW' && this.#takeSymbol('(')) return this.#now(token);
    }
    this.#at--;
    throw this.#unexpected(valuesOf[type]);
  }

  /** `now()`, which may be followed by `- 7d` or `+ 1h`. */
  #now(start: Place): Literal {
    this.#expectSymbol(')');
    const sign = this.#takeSymbol('-') ? -1 : this.#takeSymbol('+') ? 1 : 0;
    let offsetMs = 0;
    if (sign !== 0) {
      const token = this.#next();
      if (token.kind !== 'duration') {
        this.#at--;
        throw this.#unexpected(['a duration such as 7d']);
      }
      offsetMs = token.value;
    }
    const end = this.#peek(-1);
    const length = end.position + end.length - start.position;
    return { kind: 'time', value: this.#nowMs + sign * offsetMs, position: start.position, length };
  }

  #checkPattern(pattern: string, token: Token): void {
    const wrong = checkPattern(pattern);
    if (wrong === null) return;
    const isPlain = token.length === pattern.length + 2;
    const place = isPlain ? { position: token.position + 1 + wrong.position, length: wrong.length } : token;
    throw misplaced(this.#text, place, wrong.problem, wrong.expected);
  }
}

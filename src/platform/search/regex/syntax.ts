/** Code points from..to, both included. */
export type Range = readonly [from: number, to: number];

/** A parsed pattern. */
export type Pattern =
  | { readonly kind: 'set'; readonly ranges: readonly Range[]; readonly isNegated: boolean }
  | { readonly kind: 'start' | 'end' | 'empty' }
  | { readonly kind: 'sequence' | 'choice'; readonly parts: readonly Pattern[] }
  /** `max` null: without end. */
  | { readonly kind: 'repeat'; readonly part: Pattern; readonly min: number; readonly max: number | null };

/** What is wrong with a pattern, and where in it. */
export class PatternError extends Error {
  readonly position: number;
  readonly length: number;
  readonly expected: readonly string[];

  constructor(position: number, length: number, problem: string, expected: readonly string[] = []) {
    super(problem);
    this.position = position;
    this.length = length;
    this.expected = expected;
  }
}

/** Postgres counts no further either. */
const maxRepeat = 255;
const maxDepth = 30;

const digit: readonly Range[] = [[48, 57]];
const word: readonly Range[] = [
  [48, 57],
  [65, 90],
  [95, 95],
  [97, 122],
];
const space: readonly Range[] = [
  [9, 13],
  [32, 32],
];
const classes: Readonly<Record<string, readonly Range[]>> = { d: digit, w: word, s: space };
const controls: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, f: 12, v: 11 };

/**
 * Reads a regular expression of the documented subset (docs/search.md): characters, `.`, classes, groups, `|`,
 * `*` `+` `?` `{m,n}`, `^` and `$` of the whole text, `\d \w \s` and their opposites in ASCII, `(?i)` in front.
 * No back-references and no look-around, so that a match takes time in proportion to the text on every
 * database. Throws `PatternError`.
 */
export function parsePattern(source: string): Pattern {
  return new PatternParser(source).whole();
}

class PatternParser {
  readonly #source: string;
  #at = 0;
  #ignoreCase = false;

  constructor(source: string) {
    this.#source = source;
  }

  whole(): Pattern {
    if (this.#take('(?i)')) this.#ignoreCase = true;
    const pattern = this.#choice(0);
    if (this.#at < this.#source.length) throw this.#error(1, 'A ) without its (');
    return pattern;
  }

  #take(text: string): boolean {
    if (!this.#source.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #error(length: number, problem: string, expected: readonly string[] = []): PatternError {
    return new PatternError(this.#at, length, problem, expected);
  }

  #char(): string {
    const point = this.#source.codePointAt(this.#at);
    return point === undefined ? '' : String.fromCodePoint(point);
  }

  #choice(depth: number): Pattern {
    if (depth > maxDepth) throw this.#error(1, 'Groups are nested too deep');
    const parts = [this.#sequence(depth)];
    while (this.#take('|')) parts.push(this.#sequence(depth));
    return parts.length === 1 ? (parts[0] as Pattern) : { kind: 'choice', parts };
  }

  #sequence(depth: number): Pattern {
    const parts: Pattern[] = [];
    while (this.#at < this.#source.length && !/[|)]/.test(this.#char())) parts.push(this.#repeated(depth));
    if (parts.length === 0) return { kind: 'empty' };
    return parts.length === 1 ? (parts[0] as Pattern) : { kind: 'sequence', parts };
  }

  #repeated(depth: number): Pattern {
    const start = this.#at;
    const part = this.#atom(depth);
    const at = this.#at;
    const bounds = this.#quantifier();
    if (bounds === null) return part;
    if (part.kind === 'start' || part.kind === 'end') {
      throw new PatternError(start, this.#at - start, `${this.#source[start]} cannot be repeated`);
    }
    // Lazy or not, the same texts match.
    this.#take('?');
    if (this.#quantifier() !== null) throw new PatternError(at, this.#at - at, 'Two quantifiers in a row');
    return { kind: 'repeat', part, ...bounds };
  }

  #quantifier(): { readonly min: number; readonly max: number | null } | null {
    if (this.#take('*')) return { min: 0, max: null };
    if (this.#take('+')) return { min: 1, max: null };
    if (this.#take('?')) return { min: 0, max: 1 };
    const match = /\{(\d{1,4})(?:(,)(\d{0,4}))?\}/y;
    match.lastIndex = this.#at;
    const found = match.exec(this.#source);
    if (!found) return null;
    const min = Number(found[1]);
    const max = found[2] === undefined ? min : found[3] === '' ? null : Number(found[3]);
    if (min > maxRepeat || (max ?? 0) > maxRepeat || (max !== null && max < min)) {
      throw this.#error(found[0].length, `${found[0]} is no range up to ${maxRepeat}`);
    }
    this.#at += found[0].length;
    return { min, max };
  }

  #atom(depth: number): Pattern {
    const char = this.#char();
    switch (char) {
      case '(':
        return this.#group(depth);
      case '[':
        return this.#bracket();
      case '.':
        this.#at++;
        return { kind: 'set', ranges: [], isNegated: true };
      case '^':
      case '$':
        this.#at++;
        return { kind: char === '^' ? 'start' : 'end' };
      case '\\':
        return this.#escape();
      case '*':
      case '+':
      case '?':
      case '{':
        throw this.#error(1, `Nothing before ${char}`, [`\\${char} for the character itself`]);
      default:
        this.#at += char.length;
        return this.#set([[char.codePointAt(0) ?? 0, char.codePointAt(0) ?? 0]], false);
    }
  }

  #group(depth: number): Pattern {
    const start = this.#at;
    this.#at++;
    if (this.#take('?') && !this.#take(':')) {
      throw new PatternError(start, 3, 'This kind of group is not supported', ['( or (?:', '(?i) in front']);
    }
    const inner = this.#choice(depth + 1);
    if (!this.#take(')')) throw new PatternError(start, 1, 'A ( without its )');
    return inner;
  }

  #escape(): Pattern {
    const { ranges, isNegated } = this.#escaped();
    return this.#set(ranges, isNegated);
  }

  #escaped(): { readonly ranges: readonly Range[]; readonly isNegated: boolean } {
    const char = this.#source[this.#at + 1] ?? '';
    const known = classes[char.toLowerCase()];
    if (known) {
      this.#at += 2;
      return { ranges: known, isNegated: char !== char.toLowerCase() };
    }
    const control = controls[char];
    if (control === undefined && !/[^\p{L}\p{N}\s]/u.test(char)) {
      const expected = ['\\d \\w \\s \\D \\W \\S', '\\n \\r \\t', '\\ before a punctuation mark'];
      throw this.#error(char === '' ? 1 : 2, `\\${char} is not supported`, expected);
    }
    this.#at += 2;
    const point = control ?? char.codePointAt(0) ?? 0;
    return { ranges: [[point, point]], isNegated: false };
  }

  #bracket(): Pattern {
    const start = this.#at;
    this.#at++;
    const isNegated = this.#take('^');
    const ranges: Range[] = [];
    while (this.#at < this.#source.length && (this.#char() !== ']' || ranges.length === 0)) {
      ranges.push(...this.#bracketItem());
    }
    if (!this.#take(']')) throw new PatternError(start, 1, 'A [ without its ]');
    return this.#set(ranges, isNegated);
  }

  #bracketItem(): readonly Range[] {
    const start = this.#at;
    const from = this.#bracketPoint();
    const isRange = this.#char() === '-' && !['', ']'].includes(this.#source[this.#at + 1] ?? '');
    if (!isRange || typeof from !== 'number') return typeof from === 'number' ? [[from, from]] : from;
    this.#at++;
    const to = this.#bracketPoint();
    if (typeof to === 'number' && to >= from) return [[from, to]];
    throw new PatternError(start, this.#at - start, 'Not a range of characters');
  }

  #bracketPoint(): number | readonly Range[] {
    const char = this.#char();
    if (char === '[' && /[:.=]/.test(this.#source[this.#at + 1] ?? '')) {
      throw this.#error(2, 'Named classes are not supported', ['\\d', '\\w', '\\s']);
    }
    if (char !== '\\') {
      this.#at += char.length;
      return char.codePointAt(0) ?? 0;
    }
    const start = this.#at;
    const { ranges, isNegated } = this.#escaped();
    if (isNegated) throw new PatternError(start, 2, 'An opposite class within [ ]', ['[^…]']);
    const [first] = ranges;
    return ranges.length === 1 && first && first[0] === first[1] ? first[0] : ranges;
  }

  #set(ranges: readonly Range[], isNegated: boolean): Pattern {
    return { kind: 'set', ranges: this.#ignoreCase ? bothCases(ranges) : ranges, isNegated };
  }
}

/** The ranges with the ASCII letters in them in both cases. */
function bothCases(ranges: readonly Range[]): readonly Range[] {
  const moved = ranges.flatMap(([from, to]): Range[] => {
    const shifted = (low: number, high: number, by: number): Range[] => {
      const [a, b] = [Math.max(from, low), Math.min(to, high)];
      return a <= b ? [[a + by, b + by]] : [];
    };
    return [...shifted(65, 90, 32), ...shifted(97, 122, -32)];
  });
  return [...ranges, ...moved];
}

import { randomUUID } from 'node:crypto';

/**
 * Reads the long lists of numbers of a JSON body straight from its bytes. JSON.parse takes forty bytes and more for
 * each number while it works, this eight: a body within its limit could otherwise exhaust the memory of the process.
 */

/** Key of what stands in the JSON for a list: no request can name it. */
const placeKey = randomUUID();

/** Stands in the JSON for the list of that place. */
type Placeholder = Readonly<Record<string, number>>;

interface CutJson {
  /** The JSON with a placeholder for each list that was cut out. */
  readonly json: Buffer;
  /** The numbers of these lists, row-major where they were nested. */
  readonly lists: readonly Float64Array<ArrayBuffer>[];
}

/** Shorter lists are as well read with the rest. */
const leastBytes = 100_000;

/** Digits, with a point among them, that are exact together. */
const exactDigits = 15;

const quote = 0x22;
const brace = 0x7d;
const plus = 0x2b;
const comma = 0x2c;
const minus = 0x2d;
const point = 0x2e;
const zero = 0x30;
const nine = 0x39;
const colon = 0x3a;
const open = 0x5b;
const backslash = 0x5c;
const close = 0x5d;
const isSpace = (byte: number | undefined) =>
  byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/**
 * Cuts out the long lists of nothing but numbers, nested or flat, that are called `data`, as those of tensors are. A
 * list that holds anything else, an integer beyond 2^53 or a mistake stays where it is, for JSON.parse to judge. Null
 * when there is none.
 */
export function cutNumberLists(body: Buffer): CutJson | null {
  if (body.length < leastBytes) return null;
  const lists: Float64Array<ArrayBuffer>[] = [];
  const parts: Buffer[] = [];
  let done = 0;
  for (let at = body.indexOf('"data"'); at >= 0; at = body.indexOf('"data"', at + 1)) {
    if (body[at - 1] === backslash) continue;
    const from = listAt(body, at + '"data"'.length);
    if (from < 0 || body.length - from < leastBytes) continue;
    const reader = new NumberListReader(body, from);
    const numbers = reader.read();
    if (!numbers || reader.at - from < leastBytes) continue;
    parts.push(body.subarray(done, from), Buffer.from(`{"${placeKey}":${lists.length}}`));
    lists.push(numbers);
    done = reader.at;
    at = done - 1;
  }
  if (lists.length === 0) return null;
  return { json: Buffer.concat([...parts, body.subarray(done)]), lists };
}

/**
 * The tensors with the lists back in their places; null when a list is in another place than a tensor's `data`, or in
 * two.
 */
export function withNumberLists(
  inputs: unknown,
  lists: readonly Float64Array<ArrayBuffer>[],
): readonly unknown[] | null {
  if (!Array.isArray(inputs)) return null;
  const used = new Set<number>();
  const whole = (inputs as readonly ({ readonly data?: Placeholder } | null)[]).map((input) => {
    const place = input?.data?.[placeKey];
    const list = place === undefined ? undefined : lists[place];
    if (place === undefined || list === undefined) return input;
    used.add(place);
    return { ...input, data: list };
  });
  return used.size === lists.length ? whole : null;
}

/** Where the list starts that is the value of the key that ends before `from`; -1 when there is none. */
function listAt(body: Buffer, from: number): number {
  const at = skipSpace(body, from);
  const start = body[at] === colon ? skipSpace(body, at + 1) : -1;
  return body[start] === open ? start : -1;
}

function skipSpace(body: Buffer, from: number): number {
  let at = from;
  while (isSpace(body[at])) at++;
  return at;
}

/** Lists in lists; deeper ones are refused where they are read as JSON. */
const deepest = 100;
/** Powers of ten that doubles hold exactly: digits times or by one of them is rounded once, as it has to be. */
const exactTens = Array.from({ length: 23 }, (_, power) => 10 ** power);

/** Reads one list of numbers by the grammar of JSON. */
class NumberListReader {
  readonly #body: Buffer;
  readonly #numbers: Float64Array<ArrayBuffer>;
  #count = 0;
  /** The next byte; behind the list once it is read. */
  at: number;

  /** @param from where its bracket is */
  constructor(body: Buffer, from: number) {
    this.#body = body;
    this.at = from;
    this.#numbers = new Float64Array(mostNumbers(body, from));
  }

  /** The numbers; null when it is anything but lists of numbers of one depth. */
  read(): Float64Array<ArrayBuffer> | null {
    let depth = 0;
    let depthOfNumbers = 0;
    let expected: 'value' | 'value or end' | 'comma or end' = 'value';
    for (;;) {
      this.at = skipSpace(this.#body, this.at);
      const byte = this.#body[this.at];
      if (byte === open && expected !== 'comma or end' && depth < deepest) {
        if (depth === depthOfNumbers && depth > 0) return null;
        depth++;
        this.at++;
        expected = 'value or end';
      } else if (byte === close && expected !== 'value') {
        this.at++;
        if (--depth === 0) return this.#numbers.subarray(0, this.#count);
        expected = 'comma or end';
      } else if (byte === comma && expected === 'comma or end') {
        this.at++;
        expected = 'value';
      } else {
        if (expected === 'comma or end' || !this.#readNumber()) return null;
        depthOfNumbers ||= depth;
        if (depth !== depthOfNumbers) return null;
        expected = 'comma or end';
      }
    }
  }

  /** Reads a number; false when there is none, and for an integer that a double may not hold. */
  #readNumber(): boolean {
    const body = this.#body;
    const from = this.at;
    const isNegative = body[from] === minus;
    const start = isNegative ? from + 1 : from;
    let at = this.#digits(start);
    if (at === start || (body[start] === zero && at > start + 1)) return false;
    const wholeEnd = at;
    if (body[at] === point) {
      at = this.#digits(at + 1);
      if (at === wholeEnd + 1) return false;
    }
    const fractionEnd = at;
    if (body[at] === 0x65 || body[at] === 0x45) {
      at += body[at + 1] === plus || body[at + 1] === minus ? 2 : 1;
      const exponentStart = at;
      at = this.#digits(at);
      if (at === exponentStart) return false;
    }
    this.at = at;
    const isPlain = at === fractionEnd && fractionEnd - start <= exactDigits;
    const value = isPlain
      ? this.#plainNumber(start, wholeEnd, fractionEnd) * (isNegative ? -1 : 1)
      : Number(body.toString('latin1', from, at));
    if (at === wholeEnd && !Number.isSafeInteger(value)) return false;
    this.#numbers[this.#count++] = value;
    return true;
  }

  /** A number of so few digits that all of them together are exact. */
  #plainNumber(start: number, wholeEnd: number, end: number): number {
    let digits = 0;
    for (let i = start; i < end; i++)
      if (i !== wholeEnd) digits = digits * 10 + (this.#body[i] ?? zero) - zero;
    return end === wholeEnd ? digits : digits / (exactTens[end - wholeEnd - 1] ?? 1);
  }

  #digits(from: number): number {
    let at = from;
    for (let byte = this.#body[at] ?? 0; byte >= zero && byte <= nine; byte = this.#body[at] ?? 0) at++;
    return at;
  }
}

/** How many numbers a list can have: commas up to the first byte that lists of numbers have not, and one. */
function mostNumbers(body: Buffer, from: number): number {
  let count = 1;
  for (let at = from; at < body.length; at++) {
    const byte = body[at];
    if (byte === comma) count++;
    else if (byte === quote || byte === brace) break;
  }
  return count;
}

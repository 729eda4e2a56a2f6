import type { ColumnData, ColumnType } from '../parquet/index.ts';
import { nowhere, valueAt } from './read-rows.ts';
import { tags } from './row-bytes.ts';

const decimal = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i;
const whole = /^\s*[+-]?\d+\s*$/;

/** A column of a row group. Good until the next row is added. */
interface ReadColumn {
  readonly data: ColumnData;
  /** For each row, 1, or 0 where it is null. */
  readonly defined: Uint8Array;
}

/**
 * Collects the values of a column, some rows at a time: what is read of these is still in the processor's cache when the
 * next column's turn comes. A value that the type cannot hold is null: a fraction in a whole number's column, one beyond
 * its range, a text that is no number. True is 1, and every value is a text as well.
 */
export class ColumnReader {
  readonly type: ColumnType;
  readonly #bytes: Buffer;
  readonly #view: DataView;
  readonly #defined: Uint8Array;
  readonly #numbers: Float64Array;
  readonly #exact = new Map<number, bigint>();
  readonly #spans: Uint32Array;
  /** Numbers and booleans as texts, by their places among the texts. */
  readonly #made = new Map<number, string>();
  #rows = 0;
  #count = 0;

  /** @param mostRows between two calls of `take` */
  constructor(type: ColumnType, bytes: Buffer, mostRows: number) {
    this.type = type;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#defined = new Uint8Array(mostRows);
    this.#numbers = new Float64Array(type === 'VARCHAR' ? 0 : mostRows);
    this.#spans = new Uint32Array(type === 'VARCHAR' ? 2 * mostRows : 0);
  }

  /**
   * Adds rows.
   *
   * @param places where the values of rows begin, `width` for each row, as `findValues` tells
   * @param column which of these is this one's
   */
  add(places: Uint32Array, column: number, width: number, rows: number): void {
    if (this.type === 'VARCHAR') this.#addTexts(places, column, width, rows);
    else this.#addNumbers(this.type, places, column, width, rows);
  }

  /** What was added since the last call. */
  take(): ReadColumn {
    const defined = this.#defined.subarray(0, this.#rows);
    const data = this.#data(this.type);
    this.#rows = 0;
    this.#count = 0;
    return { data, defined };
  }

  #data(type: ColumnType): ColumnData {
    if (type === 'VARCHAR') return this.#texts();
    const values = this.#numbers.subarray(0, this.#count);
    if (type === 'BOOLEAN') return { type, values: Uint8Array.from(values) };
    const exact = new Map(this.#exact);
    this.#exact.clear();
    return { type, values, exact };
  }

  #texts(): ColumnData {
    const spans = this.#spans.subarray(0, 2 * this.#count);
    if (this.#made.size === 0) return { type: 'VARCHAR', bytes: this.#bytes, spans };
    const parts: Buffer[] = [];
    let end = 0;
    for (let i = 0; i < this.#count; i++) {
      const made = this.#made.get(i);
      const part =
        made === undefined ? this.#bytes.subarray(spans[2 * i], spans[2 * i + 1]) : Buffer.from(made);
      parts.push(part);
      spans[2 * i] = end;
      end += part.length;
      spans[2 * i + 1] = end;
    }
    this.#made.clear();
    return { type: 'VARCHAR', bytes: Buffer.concat(parts), spans };
  }

  #addNumbers(
    type: Exclude<ColumnType, 'VARCHAR'>,
    places: Uint32Array,
    column: number,
    width: number,
    rows: number,
  ): void {
    const bytes = this.#bytes;
    const view = this.#view;
    for (let row = 0; row < rows; row++) {
      const at = places[row * width + column] as number;
      const tag = at === nowhere ? tags.null : bytes[at];
      let value = Number.NaN;
      if (tag === tags.double) value = view.getFloat64(at + 1, true);
      else if (tag === tags.int) value = view.getInt32(at + 1, true);
      else if (tag !== tags.null) value = numberFrom(type, valueAt(bytes, at), this.#count, this.#exact);
      const fits = canHold(type, value) || this.#exact.has(this.#count);
      this.#defined[this.#rows++] = fits ? 1 : 0;
      if (fits) this.#numbers[this.#count++] = value;
    }
  }

  #addTexts(places: Uint32Array, column: number, width: number, rows: number): void {
    const bytes = this.#bytes;
    const spans = this.#spans;
    for (let row = 0; row < rows; row++) {
      const at = places[row * width + column] as number;
      const tag = at === nowhere ? tags.null : bytes[at];
      this.#defined[this.#rows++] = tag === tags.null ? 0 : 1;
      if (tag === tags.null) continue;
      const count = this.#count++;
      if (tag === tags.short) {
        spans[2 * count] = at + 2;
        spans[2 * count + 1] = at + 2 + (bytes[at + 1] as number);
      } else if (tag === tags.text) {
        spans[2 * count] = at + 5;
        spans[2 * count + 1] = at + 5 + this.#view.getUint32(at + 1, true);
      } else this.#made.set(count, String(valueAt(bytes, at)));
    }
  }
}

type Value = ReturnType<typeof valueAt>;

/**
 * The number that a text or a boolean is; NaN where it is none.
 *
 * @param place of the value among those of the column
 * @param exact gets a whole number beyond 2^53
 */
function numberFrom(
  type: Exclude<ColumnType, 'VARCHAR'>,
  value: Value,
  place: number,
  exact: Map<number, bigint>,
): number {
  if (typeof value !== 'string') return Number(value ?? Number.NaN);
  if (type === 'BOOLEAN') return { true: 1, false: 0 }[value.trim().toLowerCase()] ?? Number.NaN;
  if (!decimal.test(value)) return Number.NaN;
  const number = Number(value);
  if ((type === 'BIGINT' || type === 'UBIGINT') && !Number.isSafeInteger(number) && whole.test(value)) {
    const long = BigInt(value.trim().replace('+', ''));
    if ((type === 'BIGINT' ? BigInt.asIntN : BigInt.asUintN)(64, long) === long) exact.set(place, long);
  }
  return number;
}

function canHold(type: Exclude<ColumnType, 'VARCHAR'>, value: number): boolean {
  if (type === 'DOUBLE') return Number.isFinite(value);
  if (type === 'BIGINT') return Number.isSafeInteger(value);
  if (type === 'UBIGINT') return Number.isSafeInteger(value) && value >= 0;
  return type === 'INTEGER' ? (value | 0) === value : value === 0 || value === 1;
}

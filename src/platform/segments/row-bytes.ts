import { crc32 } from 'node:zlib';

/**
 * A block of a segment: its mark, the length of its rows, how many they are, the CRC-32 of the rows (begun with how many
 * they are), and a check of the two numbers; then the rows. All little-endian.
 */
export const blockHead = {
  mark: Buffer.from('\0row'),
  bytes: 20,
  length: 4,
  rows: 8,
  check: 12,
  headCheck: 16,
} as const;

/** By which a block's length and number of rows are known to be what was written. */
export function headCheck(length: number, rows: number): number {
  return (length ^ Math.imul(rows, 0x9e3779b1)) >>> 0;
}

/** What a value begins with; see `RowBytes`. */
export const tags = {
  null: 0,
  false: 1,
  true: 2,
  double: 3,
  int: 4,
  /** ASCII of less than 256 characters, behind its length in a byte. */
  short: 5,
  /** UTF-8, behind its length in four bytes. */
  text: 6,
  /** As many values follow as the next four bytes tell. */
  list: 7,
} as const;

/** Longer texts are encoded by a call, shorter ones byte by byte, which is quicker. */
const longestShort = 48;
/** Of longer texts it is found out what they take; for others it is enough that three bytes a character always do. */
const longestGuess = 4096;
const firstLength = 16 * 1024;
const growth = 1.5;

/**
 * Rows on their way to a segment: a buffer that grows, and is used again. Rows are lines of JSON, or values one after
 * the other, each behind a tag of its type: cheaper to write and to read, and shorter.
 */
export class RowBytes {
  #bytes = Buffer.allocUnsafeSlow(firstLength);
  #view = viewOf(this.#bytes);
  #length: number = blockHead.bytes;

  /** How much is in it, a block's head included. */
  get length(): number {
    return this.#length;
  }

  /** Bytes that it may hold before it grows. */
  get capacity(): number {
    return this.#bytes.length;
  }

  /** Forgets what comes after the first `length` bytes; everything unless given. */
  cut(length: number = blockHead.bytes): void {
    this.#length = length;
  }

  /** What was written, without a block's head. Good until the next row. */
  get lines(): Buffer {
    return this.#bytes.subarray(blockHead.bytes, this.#length);
  }

  /** What was written as a block of so many rows. Good until the next row. */
  block(rows: number): Buffer {
    const block = this.#bytes.subarray(0, this.#length);
    blockHead.mark.copy(block);
    const length = this.#length - blockHead.bytes;
    block.writeUInt32LE(length, blockHead.length);
    block.writeUInt32LE(rows, blockHead.rows);
    block.writeUInt32LE(crc32(this.lines, rows), blockHead.check);
    block.writeUInt32LE(headCheck(length, rows), blockHead.headCheck);
    return block;
  }

  /** Text as it is: lines of JSON. */
  line(text: string): void {
    this.#reserve(text.length > longestGuess ? Buffer.byteLength(text) : 3 * text.length);
    this.#length += this.#bytes.write(text, this.#length);
  }

  null(): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = tags.null;
  }

  boolean(value: boolean): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value ? tags.true : tags.false;
  }

  /** A number; null where it is not finite. */
  number(value: number): void {
    this.#reserve(9);
    // A zero below nothing is no integer.
    if ((value | 0) === value && (value !== 0 || 1 / value > 0)) {
      this.#bytes[this.#length] = tags.int;
      this.#view.setInt32(this.#length + 1, value, true);
      this.#length += 5;
    } else if (Number.isFinite(value)) {
      this.#bytes[this.#length] = tags.double;
      this.#view.setFloat64(this.#length + 1, value, true);
      this.#length += 9;
    } else this.#bytes[this.#length++] = tags.null;
  }

  text(value: string): void {
    const { length } = value;
    this.#reserve(5 + (length > longestGuess ? Buffer.byteLength(value) : 3 * length));
    const bytes = this.#bytes;
    const from = this.#length;
    if (length <= longestShort) {
      let at = from + 2;
      let all = 0;
      for (let i = 0; i < length; i++) {
        const code = value.charCodeAt(i);
        all |= code;
        bytes[at++] = code;
      }
      if (all < 0x80) {
        bytes[from] = tags.short;
        bytes[from + 1] = length;
        this.#length = at;
        return;
      }
    }
    const size = bytes.write(value, from + 5);
    bytes[from] = tags.text;
    this.#view.setUint32(from + 1, size, true);
    this.#length = from + 5 + size;
  }

  /** So many values follow. */
  list(length: number): void {
    this.#reserve(5);
    this.#bytes[this.#length] = tags.list;
    this.#view.setUint32(this.#length + 1, length, true);
    this.#length += 5;
  }

  /** Values that were written before; see `valuesOf`. */
  values(values: Uint8Array): void {
    const { length } = values;
    this.#reserve(length);
    for (let i = 0; i < length; i++) this.#bytes[this.#length++] = values[i] as number;
  }

  #reserve(size: number): void {
    const needed = this.#length + size;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.ceil(growth * needed));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
    this.#view = viewOf(grown);
  }
}

/** Values that many rows have in common, for `RowBytes.values`. */
export function valuesOf(values: readonly (string | number)[]): Uint8Array {
  const bytes = new RowBytes();
  for (const value of values)
    if (typeof value === 'string') bytes.text(value);
    else bytes.number(value);
  return Uint8Array.from(bytes.lines);
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

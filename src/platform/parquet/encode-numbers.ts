import type { ColumnData, Encoder } from './column-data.ts';
import type { PageBytes } from './page-bytes.ts';

type Numbers = Extract<ColumnData, { values: Float64Array }>;

const two32 = 2 ** 32;

/** Numbers in plain encoding; without bounds where some are beyond 2^53. */
export class NumberEncoder implements Encoder {
  readonly dictionary = null;
  readonly bytesOfValue = 8;
  readonly bytesOfAll: number;
  readonly #numbers: Numbers;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;

  constructor(numbers: Numbers) {
    this.#numbers = numbers;
    this.bytesOfAll = 8 * numbers.values.length;
  }

  put(page: PageBytes, from: number, to: number): void {
    const { type, values, exact = new Map<number, bigint>() } = this.#numbers;
    const bytes = plain(type, values.subarray(from, to));
    if (exact.size > 0) {
      const longs = new DataView(bytes.buffer, bytes.byteOffset);
      for (const [place, value] of exact)
        if (place >= from && place < to) longs.setBigUint64(8 * (place - from), value, true);
    }
    page.put(bytes);
    for (let i = from; i < to; i++) {
      const value = values[i] as number;
      if (value < this.#min) this.#min = value;
      if (value > this.#max) this.#max = value;
    }
  }

  bounds() {
    const { type, exact } = this.#numbers;
    if (this.#min > this.#max || exact?.size) return null;
    return { min: plain(type, Float64Array.of(this.#min)), max: plain(type, Float64Array.of(this.#max)) };
  }
}

/** Little-endian, as every machine is that this runs on. */
function plain(type: Numbers['type'], values: Float64Array): Uint8Array {
  const { length } = values;
  if (type === 'DOUBLE') return new Uint8Array(values.buffer, values.byteOffset, 8 * length);
  if (type === 'INTEGER') return new Uint8Array(Int32Array.from(values).buffer);
  const halves = new Uint32Array(2 * length);
  for (let i = 0; i < length; i++) {
    const value = values[i] as number;
    const high = Math.floor(value / two32);
    halves[2 * i] = value - high * two32;
    halves[2 * i + 1] = high;
  }
  return new Uint8Array(halves.buffer);
}

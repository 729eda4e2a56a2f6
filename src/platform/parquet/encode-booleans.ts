import type { Encoder } from './column-data.ts';
import type { PageBytes } from './page-bytes.ts';

/** Booleans, a bit each. */
export class BooleanEncoder implements Encoder {
  readonly dictionary = null;
  readonly bytesOfValue = 1 / 8;
  readonly bytesOfAll: number;
  readonly #values: Uint8Array;

  constructor(values: Uint8Array) {
    this.#values = values;
    this.bytesOfAll = values.length / 8;
  }

  put(page: PageBytes, from: number, to: number): void {
    const bits = page.reserve(Math.ceil((to - from) / 8)).fill(0);
    for (let i = from; i < to; i++) {
      const bit = i - from;
      bits[bit >> 3] = (bits[bit >> 3] as number) | ((this.#values[i] as number) << (bit & 7));
    }
  }

  bounds() {
    return null;
  }
}

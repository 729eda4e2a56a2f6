import { Column } from './columns.ts';

/**
 * Numbers keys (whole numbers up to 2^53, such as `hash53` of texts) in the order in which they are first seen: 13 to 19
 * bytes each. A million texts known by their hashes alone share a number with probability 5e-5 in all.
 */
export class HashIndex {
  readonly #keys = new Column('float', 0);
  /** Numbers and one more, where their keys belong; 0: nothing is there. */
  #places = new Int32Array(16);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Memory that it takes. */
  get bytes(): number {
    return this.#keys.bytes + this.#places.byteLength;
  }

  /** The number of a key; -1: it was never seen. */
  find(key: number): number {
    return (this.#places[this.#place(key)] ?? 0) - 1;
  }

  /** The number of a key, a new one (the size before) for one that was never seen. */
  add(key: number): number {
    if (this.#size * 4 >= this.#places.length * 3) this.#grow();
    const at = this.#place(key);
    const known = (this.#places[at] ?? 0) - 1;
    if (known >= 0) return known;
    this.#keys.set(this.#size, key);
    this.#places[at] = ++this.#size;
    return this.#size - 1;
  }

  #place(key: number): number {
    const mask = this.#places.length - 1;
    let at = mixed(key) & mask;
    for (;;) {
      const number = this.#places[at] ?? 0;
      if (number === 0 || this.#keys.get(number - 1) === key) return at;
      at = (at + 1) & mask;
    }
  }

  #grow(): void {
    this.#places = new Int32Array(this.#places.length * 2);
    for (let number = 0; number < this.#size; number++)
      this.#places[this.#place(this.#keys.get(number))] = number + 1;
  }
}

/** Spreads keys that are no hashes. */
function mixed(key: number): number {
  const low = Math.imul((key >>> 0) ^ Math.imul(Math.floor(key / 4294967296), 0x9e3779b1), 0x85ebca6b);
  return low ^ (low >>> 15);
}

/** A text as a whole number in 1..2^53. Source: cyrb53 (bryc, 2018, public domain). */
export function hash53(text: string): number {
  let low = 0xdeadbeef;
  let high = 0x41c6ce57;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    low = Math.imul(low ^ code, 2654435761);
    high = Math.imul(high ^ code, 1597334677);
  }
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  return 4294967296 * (2097151 & high) + (low >>> 0) + 1;
}

/**
 * Numbers texts in the order in which they are first seen. Texts are known by 53 bits of a hash alone, so a million of
 * them take 24 MB at most and share a number with probability 5e-5 in all.
 */
export class HashIndex {
  #keys = new Float64Array(16);
  #numbers = new Int32Array(16);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The number of a text; -1: it was never seen. */
  find(key: number): number {
    const at = this.#place(key);
    return this.#keys[at] === key ? (this.#numbers[at] ?? -1) : -1;
  }

  /** The number of a text, a new one (the size before) for one that was never seen. */
  add(key: number): number {
    if (this.#size * 4 >= this.#keys.length * 3) this.#grow();
    const at = this.#place(key);
    if (this.#keys[at] === key) return this.#numbers[at] ?? -1;
    this.#keys[at] = key;
    this.#numbers[at] = this.#size;
    return this.#size++;
  }

  #place(key: number): number {
    const mask = this.#keys.length - 1;
    let at = key & mask;
    while (this.#keys[at] !== 0 && this.#keys[at] !== key) at = (at + 1) & mask;
    return at;
  }

  #grow(): void {
    const [keys, numbers] = [this.#keys, this.#numbers];
    this.#keys = new Float64Array(keys.length * 2);
    this.#numbers = new Int32Array(keys.length * 2);
    for (const [i, key] of keys.entries()) {
      if (key === 0) continue;
      const at = this.#place(key);
      this.#keys[at] = key;
      this.#numbers[at] = numbers[i] ?? 0;
    }
  }
}

/** A text as a whole number in 1..2^53; another `seed` gives unrelated ones. Source: cyrb53 (bryc, 2018, public domain). */
export function hash53(text: string, seed = 0): number {
  let low = 0xdeadbeef ^ seed;
  let high = 0x41c6ce57 ^ seed;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    low = Math.imul(low ^ code, 2654435761);
    high = Math.imul(high ^ code, 1597334677);
  }
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  return 4294967296 * (2097151 & high) + (low >>> 0) + 1;
}

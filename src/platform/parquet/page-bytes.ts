const firstLength = 128 * 1024;

/** A page on its way: a buffer that grows, and is used for one page after the other. */
export class PageBytes {
  #bytes = Buffer.allocUnsafeSlow(firstLength);
  #length = 0;

  /** What was put; good until the next `clear`. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }

  put(bytes: Uint8Array): void {
    this.reserve(bytes.length).set(bytes);
  }

  /** So many bytes at the end, for the caller to fill. */
  reserve(size: number): Uint8Array {
    const from = this.#length;
    this.#length += size;
    if (this.#length > this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(2 * this.#length);
      this.#bytes.copy(grown, 0, 0, from);
      this.#bytes = grown;
    }
    return this.#bytes.subarray(from, this.#length);
  }
}

/** Parts shorter than this are put together as they come. */
const shortBytes = 4096;
const gatheredBytes = 16 * 1024;

/**
 * Bytes that come in parts. A body of millions of tiny parts takes little more memory than its bytes: short parts are
 * copied together, as each Buffer of its own would take some hundred bytes.
 */
export class ByteParts {
  #parts: Buffer[] = [];
  #gathered: Buffer | null = null;
  #gatheredLength = 0;
  #sizeBytes = 0;

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  add(part: Buffer): void {
    const isFirst = this.#sizeBytes === 0;
    this.#sizeBytes += part.length;
    if (isFirst || part.length >= shortBytes) {
      this.#endGathered();
      this.#parts.push(part);
      return;
    }
    if (this.#gatheredLength + part.length > gatheredBytes) this.#endGathered();
    this.#gathered ??= Buffer.allocUnsafe(gatheredBytes);
    part.copy(this.#gathered, this.#gatheredLength);
    this.#gatheredLength += part.length;
  }

  /** All bytes as one; asked for again without a further part, the same. */
  joined(): Buffer {
    this.#endGathered();
    const [first] = this.#parts;
    const all = first && this.#parts.length === 1 ? first : Buffer.concat(this.#parts, this.#sizeBytes);
    this.#parts = [all];
    return all;
  }

  /** Forgets the first bytes. */
  drop(sizeBytes: number): void {
    const rest = this.joined().subarray(sizeBytes);
    this.#parts = rest.length > 0 ? [rest] : [];
    this.#sizeBytes = rest.length;
  }

  clear(): void {
    this.#parts = [];
    this.#gathered = null;
    this.#gatheredLength = 0;
    this.#sizeBytes = 0;
  }

  #endGathered(): void {
    if (!this.#gathered || this.#gatheredLength === 0) return;
    this.#parts.push(Buffer.from(this.#gathered.subarray(0, this.#gatheredLength)));
    this.#gatheredLength = 0;
  }
}

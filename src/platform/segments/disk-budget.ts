/**
 * What the logs of a process may take on the disk together. What waits to be shipped is counted; when it is too
 * much, rows are refused rather than lost.
 */
export class DiskBudget {
  readonly maxBytes: number;
  #usedBytes = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** Whether so much more may be written. */
  allows(sizeBytes: number): boolean {
    return this.#usedBytes + sizeBytes <= this.maxBytes;
  }

  add(sizeBytes: number): void {
    this.#usedBytes += sizeBytes;
  }
}

/** The greatest number that is told from greater ones. */
const greatest = 2 ** 31 - 1;

/**
 * Whole numbers from 0 on (up to 2^31 − 1; greater ones count as that), of which the k-th smallest can be asked for at any
 * time. 4 bytes each. What is new is sorted when somebody asks, into runs of which each is at least twice as long as the
 * next: a number is moved log2(n) times at most.
 */
export class OrderStatistics {
  #fresh = new Int32Array(0);
  #freshSize = 0;
  #runs: Int32Array[] = [];

  /** Memory that it takes. */
  get bytes(): number {
    return this.#runs.reduce((sum, run) => sum + run.byteLength, this.#fresh.byteLength);
  }

  add(value: number): void {
    if (this.#freshSize === this.#fresh.length) {
      const grown = new Int32Array(Math.max(16, Math.ceil(this.#freshSize * 1.5)));
      grown.set(this.#fresh);
      this.#fresh = grown;
    }
    this.#fresh[this.#freshSize++] = Math.min(greatest, Math.round(value));
  }

  /** @param rank from 1 to as many as were added */
  at(rank: number): number {
    this.#settle();
    let [low, high] = [0, greatest];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (this.#atMost(middle) >= rank) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** How many are not greater. */
  #atMost(value: number): number {
    let count = 0;
    for (const run of this.#runs) {
      let [from, to] = [0, run.length];
      while (from < to) {
        const middle = (from + to) >> 1;
        if ((run[middle] ?? 0) <= value) from = middle + 1;
        else to = middle;
      }
      count += from;
    }
    return count;
  }

  #settle(): void {
    if (this.#freshSize === 0) return;
    this.#runs.push(this.#fresh.slice(0, this.#freshSize).sort());
    this.#freshSize = 0;
    this.#fresh = new Int32Array(0);
    for (;;) {
      const [before, last] = this.#runs.slice(-2);
      if (!before || !last || before.length >= 2 * last.length) return;
      this.#runs.splice(-2, 2, merged(before, last));
    }
  }
}

function merged(a: Int32Array, b: Int32Array): Int32Array {
  const all = new Int32Array(a.length + b.length);
  for (let i = 0, j = 0; i + j < all.length; ) {
    const [left, right] = [a[i] ?? greatest, b[j] ?? greatest];
    if (j >= b.length || (i < a.length && left <= right)) {
      all[i + j] = left;
      i++;
    } else {
      all[i + j] = right;
      j++;
    }
  }
  return all;
}

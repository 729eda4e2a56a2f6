/** A list of numbers that grows as it is written; what was never written is `empty`. 4 or 8 bytes each. */
export class Column {
  #data: Float64Array | Int32Array;
  readonly #empty: number;

  constructor(kind: 'float' | 'int', empty: number) {
    this.#data = kind === 'float' ? new Float64Array(0) : new Int32Array(0);
    this.#empty = empty;
  }

  get(at: number): number {
    return this.#data[at] ?? this.#empty;
  }

  set(at: number, value: number): void {
    if (at >= this.#data.length) this.#grow(at + 1);
    this.#data[at] = value;
  }

  #grow(least: number): void {
    const size = Math.max(16, least, Math.ceil(this.#data.length * 1.5));
    const grown = this.#data instanceof Int32Array ? new Int32Array(size) : new Float64Array(size);
    grown.set(this.#data);
    grown.fill(this.#empty, this.#data.length);
    this.#data = grown;
  }
}

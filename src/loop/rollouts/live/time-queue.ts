/** Numbers, each with a time, given back in the order of time. 16 bytes each. Source: binary heap (Williams 1964). */
export class TimeQueue {
  readonly #times: number[] = [];
  readonly #items: number[] = [];

  /** Memory that it takes. */
  get bytes(): number {
    return 16 * this.#times.length;
  }

  add(item: number, timeMs: number): void {
    let at = this.#times.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if ((this.#times[parent] ?? 0) <= timeMs) break;
      this.#put(at, this.#items[parent] ?? 0, this.#times[parent] ?? 0);
      at = parent;
    }
    this.#put(at, item, timeMs);
  }

  /** Takes out the item with the earliest time, if that is before this one. */
  takeBefore(timeMs: number): number | undefined {
    const [item] = this.#items;
    if (item === undefined || (this.#times[0] ?? 0) >= timeMs) return undefined;
    const last = this.#items.pop();
    const lastMs = this.#times.pop();
    if (last !== undefined && lastMs !== undefined && this.#items.length > 0) this.#sink(last, lastMs);
    return item;
  }

  #sink(item: number, timeMs: number): void {
    const size = this.#times.length;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child + 1 < size && (this.#times[child + 1] ?? 0) < (this.#times[child] ?? 0)) child++;
      if (child >= size || (this.#times[child] ?? 0) >= timeMs) break;
      this.#put(at, this.#items[child] ?? 0, this.#times[child] ?? 0);
      at = child;
    }
    this.#put(at, item, timeMs);
  }

  #put(at: number, item: number, timeMs: number): void {
    this.#items[at] = item;
    this.#times[at] = timeMs;
  }
}

/**
 * Indices that put finite values in ascending order; equal values keep theirs. Sorts the values natively and looks
 * each one up, which is several times faster than sorting indices by a comparison function.
 */
export function orderOf(values: Float64Array): Uint32Array {
  // -0 and 0 are equal values, but the native sort parts them.
  const sorted = values.map((value) => value + 0).sort();
  const taken = new Uint32Array(values.length);
  const order = new Uint32Array(values.length);
  for (let i = 0; i < values.length; i++) {
    const first = firstIndexOf(sorted, values[i]!);
    order[first + taken[first]!] = i;
    taken[first]!++;
  }
  return order;
}

/** Runs of equal values in ascending order: positions [from, to) of `order`. Ends for NaN too, which has no place. */
export function* tiedRuns(values: Float64Array): Generator<readonly [number, number, Uint32Array]> {
  const order = orderOf(values);
  for (let from = 0, to = 1; from < order.length; from = to, to++) {
    while (to < order.length && values[order[to]!] === values[order[from]!]) to++;
    yield [from, to, order];
  }
}

function firstIndexOf(sorted: Float64Array, value: number): number {
  let low = 0;
  let high = sorted.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

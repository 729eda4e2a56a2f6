/** A numeric column made ready for comparison: its finite values in order, and what was set aside. */
export interface NumericSample {
  /** Finite values, ascending. */
  readonly sorted: Float64Array;
  /** Values that are NaN (how a missing value is written in a Float64Array). */
  readonly missing: number;
  /** Values that are +Infinity or -Infinity. */
  readonly infinite: number;
}

/** Sets NaN and infinities aside (counted, never compared as numbers) and sorts the rest. */
export function numericSample(values: ArrayLike<number>): NumericSample {
  const finite = new Float64Array(values.length);
  let n = 0;
  let missing = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (Number.isFinite(value)) finite[n++] = value;
    else if (Number.isNaN(value)) missing++;
  }
  return { sorted: finite.slice(0, n).sort(), missing, infinite: values.length - n - missing };
}

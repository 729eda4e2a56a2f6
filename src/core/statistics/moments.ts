/** Count, mean and sum of squared deviations of a stream: all that its mean's interval needs. */
export interface Moments {
  readonly n: number;
  readonly mean: number;
  /** Sum of squared deviations from the mean. */
  readonly m2: number;
}

/** Of no values: what sums of moments begin with. Its mean is 0 and means nothing. */
export const emptyMoments: Moments = { n: 0, mean: 0, m2: 0 };

/** The moments of some values. A NaN or infinite value spoils them: filter first and count such values apart. */
export function momentsOf(values: ArrayLike<number>): Moments {
  let mean = 0;
  let m2 = 0;
  for (let i = 0; i < values.length; i++) {
    const delta = values[i]! - mean;
    mean += delta / (i + 1);
    m2 += delta * (values[i]! - mean);
  }
  return { n: values.length, mean, m2 };
}

/** The moments of two disjoint streams together. Source: Chan, Golub, LeVeque (1983). */
export function mergeMoments(a: Moments, b: Moments): Moments {
  const n = a.n + b.n;
  if (a.n === 0) return b;
  if (b.n === 0) return a;
  const delta = b.mean - a.mean;
  return { n, mean: a.mean + (delta * b.n) / n, m2: a.m2 + b.m2 + (delta * delta * a.n * b.n) / n };
}

/** Unbiased variance; null with fewer than two values. */
export function varianceOf(moments: Moments): number | null {
  return moments.n < 2 ? null : moments.m2 / (moments.n - 1);
}

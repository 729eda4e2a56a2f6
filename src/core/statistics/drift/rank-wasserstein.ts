/** E ∫|B(t)| dt of a Brownian bridge, √(π/2)/4: the mean of the statistic under no change is this × √(1/n+1/m). */
const NULL_MEAN = Math.sqrt(Math.PI / 2) / 4;

/** How far the values of a numeric column have moved, in ranks of the reference. */
interface RankWasserstein {
  /** Wasserstein-1 distance in rank space, 0..0.5 as a rule: 0.1 = values moved by ten percentiles on average. */
  readonly distance: number;
  /** The distance with the mean that noise alone gives removed in quadrature; 0 when noise explains it all. */
  readonly effect: number;
}

/**
 * Wasserstein-1 distance of two ascending, finite samples after mapping both through the reference's mid-rank
 * distribution function. Free of units, and blind to how far an outlier lies. null if one sample is empty.
 *
 * Values below (above) the whole reference map to 0 (1); ties map to the middle of their step, so that a shift of
 * a constant column counts. With many ties the noise floor is somewhat too high, which is conservative.
 */
export function rankWasserstein(reference: Float64Array, current: Float64Array): RankWasserstein | null {
  const n = reference.length;
  const m = current.length;
  if (n === 0 || m === 0) return null;
  let distance = 0;
  let i = 0;
  let below = 0;
  while (i < n) {
    const x = reference[i]!;
    let next = i;
    while (next < n && reference[next] === x) next++;
    while (below < m && current[below]! < x) below++;
    let upTo = below;
    while (upTo < m && current[upTo] === x) upTo++;
    const halfStep = (next - i) / n / 2;
    distance += halfStep * (Math.abs(i / n - below / m) + Math.abs(next / n - upTo / m));
    i = next;
    below = upTo;
  }
  const floor = NULL_MEAN * Math.sqrt(1 / n + 1 / m);
  return { distance, effect: Math.sqrt(Math.max(0, distance * distance - floor * floor)) };
}

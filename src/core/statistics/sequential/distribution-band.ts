/**
 * Half-width of a band around an empirical distribution function that holds the true one, everywhere and at all sample
 * sizes together, with probability at least 1 − alpha: sqrt(ln(2/αₙ) / 2n) with alpha spread over the sizes as
 * αₙ = α/(n(n+1)), which sums to α. So the distance of two such functions (Kolmogorov-Smirnov), less both half-widths,
 * may be looked at after each value. Takes values as independent. 1 (it says nothing) for n = 0.
 *
 * Source: Dvoretzky, Kiefer, Wolfowitz (1956) with the constant of Massart (1990), and a union over n. (The sharper
 * constants of Howard, Ramdas (2022) are tighter by a tenth from 10,000 values on.)
 */
export function distributionBand(n: number, alpha: number): number {
  if (n === 0) return 1;
  const share = alpha / (n * (n + 1));
  return Math.min(1, Math.sqrt(Math.log(2 / share) / (2 * n)));
}

/**
 * Boundary that a sum with mean 0 and running variance `v` leaves with probability at most `alpha` over all times
 * together: sqrt((v + rho) · ln((v + rho) / (rho · alpha²))). Two-sided normal mixture.
 * Source: Howard, Ramdas, McAuliffe, Sekhon (2021), equation 14. (GrowthBook's page prints rho + alpha².)
 */
export function mixtureBoundary(v: number, rho: number, alpha: number): number {
  return Math.sqrt((v + rho) * Math.log((v + rho) / (rho * alpha * alpha)));
}

/** The `rho` that makes the boundary tightest at running variance `v`. Source: the same, proposition 3. */
export function tightestRho(v: number, alpha: number): number {
  const a = 2 * Math.log(1 / alpha);
  return v / (a + Math.log(1 + a));
}

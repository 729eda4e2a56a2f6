import { quantileConfidenceSequence } from '../../core/statistics/sequential/quantile-confidence-sequence.ts';
import { sqlLiteral } from '../../platform/frames/index.ts';
import type { ArmStratum } from './observation.ts';
import type { RolloutLog } from './observe.ts';

/** The percentile of latency that is judged. */
const latencyQuantile = 0.99;
/** Error probability of the latency bands of an arm, over all looks. */
export const bandAlpha = 0.0005;

/** The ranks (from 1) of an ascending list of `n` latencies where the percentile and its bounds are; null: not bounded yet. */
export function bandRanks(n: number, alpha: number) {
  return {
    value: Math.max(1, Math.ceil(n * latencyQuantile)),
    ...quantileConfidenceSequence(n, latencyQuantile, alpha),
  };
}

/**
 * What a band is told of: each arm under each route version. Arms are only compared while both answer, because what slows
 * the machine then slows both; the k-th route version has 1/(k(k+1)) of the error probability, so any number of them may
 * come.
 */
export function latencyGroups<S extends Pick<ArmStratum, 'routeVersion' | 'requests' | 'failed'>>(
  strata: readonly S[],
) {
  const routes = [...new Set(strata.map((s) => s.routeVersion))].sort((a, b) => a - b);
  const places = new Map(routes.map((route, i) => [route, i + 1]));
  return strata.map((stratum) => {
    const k = places.get(stratum.routeVersion) ?? 1;
    return { stratum, n: stratum.requests - stratum.failed, alpha: bandAlpha / (k * (k + 1)) };
  });
}

/** Some answers, told from others by a name. */
interface LatencyGroup {
  readonly name: string;
  readonly n: number;
  /** Error probability of the band, over all looks. */
  readonly alpha: number;
}

/** A quantile of latencies in milliseconds with its anytime-valid bounds; null: no value, or not bounded yet. */
interface QuantileBand {
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
}

/**
 * The 99th percentile of each group's latency with its anytime-valid band.
 *
 * @param relation SQL with columns `grp` (a group's name), `ms`, and `n`: how many answers took so long
 */
export async function latencyBands(
  log: RolloutLog,
  relation: string,
  groups: readonly LatencyGroup[],
): Promise<ReadonlyMap<string, QuantileBand>> {
  const wanted = groups
    .filter(({ n }) => n > 0)
    .map(({ name, n, alpha }) => ({ name, ...bandRanks(n, alpha) }));
  if (wanted.length === 0) return new Map();
  const places = wanted.flatMap(({ name, value, low, high }) =>
    [value, low, high].flatMap((rank) => (rank === null ? [] : [`(${sqlLiteral(name)}, ${rank})`])),
  );
  const found =
    await log.query(`WITH counted AS (SELECT grp, ms, sum(n) AS n FROM ${relation} GROUP BY grp, ms),
    ranked AS (SELECT grp, ms, n, sum(n) OVER (PARTITION BY grp ORDER BY ms) AS last FROM counted)
    SELECT ranked.grp AS grp, wanted.place AS place, ms FROM ranked
    JOIN (SELECT DISTINCT * FROM (VALUES ${places.join(', ')}) AS places (grp, place)) AS wanted
      ON ranked.grp = wanted.grp AND wanted.place <= ranked.last AND wanted.place > ranked.last - ranked.n`);
  const at = (name: string, rank: number | null): number | null => {
    const row = found.find((r) => r.grp === name && Number(r.place) === rank);
    return row === undefined ? null : Number(row.ms);
  };
  return new Map(
    wanted.map(({ name, value, low, high }) => [
      name,
      { value: at(name, value), low: at(name, low), high: at(name, high) },
    ]),
  );
}

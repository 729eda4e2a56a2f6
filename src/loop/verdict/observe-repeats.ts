import type { RolloutMetric } from '../contract.ts';
import type { ArmMoments, ArmRepeats } from './observation.ts';
import type { RolloutLog } from './observe.ts';

/** Repeats of an arm among all requests, or among those with one value of a feature. */
interface SegmentRepeats {
  /** The value of the feature; null: all requests. */
  readonly segment: string | null;
  readonly repeats: ArmRepeats;
}

/**
 * By how much the variance of each arm's difference to the champion is greater than that of independent rows, because an
 * entity keeps its arm: who came back under several route versions says the same thing several times. With the weights
 * of `differenceConfidenceSequence` the difference is a sum of what each row adds; what an entity's rows add is summed
 * first, then squared (variance of a mean by clusters: Liang, Zeger 1986), beside the squares of the rows by themselves.
 * Never less than 1.
 *
 * @param rows SQL of the rollout's rows, with `unit` and a column `m_<metric>` for each metric
 * @param segment SQL of the feature's column; null: all together
 */
export async function observeRepeats(
  log: RolloutLog,
  rows: string,
  metrics: readonly RolloutMetric[],
  segment: string | null,
): Promise<readonly SegmentRepeats[]> {
  const each = (text: (column: string) => string): string => metrics.map((m) => text(`m_${m}`)).join(', ');
  const found = await log.query(`WITH
    units AS MATERIALIZED (SELECT ${segment === null ? "''" : segment}::VARCHAR AS segment, arm, model_version AS version,
        route_version AS route, unit, ${each((m) => `avg(${m}) AS ${m}`)}
      FROM ${rows} WHERE arm <> 'shadow' GROUP BY ALL),
    stats AS (SELECT segment, arm, version, route, ${each((m) => `count(${m}) AS n_${m}, avg(${m}) AS mean_${m}`)}
      FROM units WHERE segment IS NOT NULL GROUP BY ALL),
    faced AS (SELECT c.segment, c.arm AS challenger, c.version AS challenger_version, c.route, o.version AS champion_version,
        ${each(
          (m) => `c.n_${m}, c.mean_${m}, o.n_${m} AS other_n_${m}, o.mean_${m} AS other_mean_${m},
            c.n_${m} + o.n_${m} AS all_${m}`,
        )}
      FROM stats c JOIN stats o ON o.arm = 'champion' AND c.arm <> 'champion' AND o.segment = c.segment AND o.route = c.route),
    parts AS (
      SELECT segment, challenger, challenger_version, route, challenger AS arm, challenger_version AS version,
        ${each((m) => `CASE WHEN n_${m} > 0 THEN other_n_${m} / all_${m} END AS weight_${m}, mean_${m}`)} FROM faced
      UNION ALL SELECT segment, challenger, challenger_version, route, 'champion', champion_version,
        ${each((m) => `CASE WHEN other_n_${m} > 0 THEN -n_${m} / all_${m} END, other_mean_${m}`)} FROM faced),
    sums AS (SELECT segment, challenger, challenger_version, unit, ${each(
      (m) =>
        `sum(weight_${m} * (${m} - mean_${m})) AS ${m}, sum((weight_${m} * (${m} - mean_${m})) ** 2) AS alone_${m}`,
    )}
      FROM units JOIN parts USING (segment, arm, version, route) GROUP BY segment, challenger, challenger_version, unit)
    SELECT segment, challenger, challenger_version, ${each((m) => `sum(${m} * ${m}) / nullif(sum(alone_${m}), 0) AS ${m}`)}
    FROM sums GROUP BY segment, challenger, challenger_version ORDER BY segment, challenger, challenger_version`);
  return found.map((row) => ({
    segment: segment === null ? null : (row.segment as string),
    repeats: {
      arm: row.challenger as string,
      version: row.challenger_version as string,
      inflation: Object.fromEntries(metrics.map((m) => [m, Math.max(1, Number(row[`m_${m}`] ?? 1))])),
    },
  }));
}

/** Whether an arm and the champion answered under several route versions, so that entities can have come back. */
export function canRepeat(strata: readonly Pick<ArmMoments, 'arm' | 'routeVersion'>[]): boolean {
  const routes = new Set(
    strata.filter((s) => s.arm !== 'champion' && s.arm !== 'shadow').map((s) => s.routeVersion),
  );
  return (
    new Set(
      strata.filter((s) => s.arm === 'champion' && routes.has(s.routeVersion)).map((s) => s.routeVersion),
    ).size > 1
  );
}

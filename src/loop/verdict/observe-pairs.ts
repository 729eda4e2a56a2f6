import type { RolloutMetric } from '../contract.ts';
import { blockCount } from './inflation.ts';
import type { PairedMoments } from './observation.ts';
import type { RolloutLog } from './observe.ts';
import { pairedMoments } from './paired-moments.ts';
import { momentsFrom, momentsSql } from './sql-moments.ts';

export interface SegmentPairs {
  /** The value of the feature; null: all pairs, or the feature was missing. */
  readonly segment: string | null;
  readonly pairs: PairedMoments;
}

const hourMs = 3_600_000;

/**
 * Shadow minus champion on the same requests, one value for each entity, at the time that it was first met. A pair
 * stands for as many requests as the champion's share says, so an hour's traffic is known however the split was then.
 *
 * @param rows SQL of the rollout's rows, with `unit` and a column `m_<metric>` for each metric
 * @param segment SQL of the feature's column; null: all together
 */
export async function observePairs(
  log: RolloutLog,
  rows: string,
  metrics: readonly RolloutMetric[],
  segment: string | null,
): Promise<readonly SegmentPairs[]> {
  const by = segment === null ? 'NULL::VARCHAR' : `s.${segment}::VARCHAR`;
  const differences = metrics.map((m) => `avg(s.m_${m} - c.m_${m}) AS m_${m}`).join(', ');
  const isKnown = metrics.map((m) => `m_${m} IS NOT NULL`).join(' OR ');
  const moments = metrics.map((m) => momentsSql(`m_${m}`)).join(', ');
  const found = await log.query(`WITH all_rows AS (SELECT * FROM ${rows}),
    units AS MATERIALIZED (SELECT ${by} AS segment, s.model_version AS version, c.unit AS unit,
        min(c.event_time_ms) AS met_ms, min(1 / c.propensity) AS requests, ${differences}
      FROM all_rows s JOIN all_rows c ON s.prediction_id = c.prediction_id AND s.arm = 'shadow' AND c.arm = 'champion'
      GROUP BY ALL),
    cut AS (SELECT *, ntile(${blockCount}) OVER (PARTITION BY segment, version ORDER BY met_ms, unit) AS block
      FROM units WHERE ${isKnown}),
    begins AS (SELECT version, min(met_ms) AS began_ms FROM units GROUP BY version),
    timed AS (SELECT units.*, ((met_ms - began_ms) // ${hourMs})::INTEGER AS hour FROM units JOIN begins USING (version))
    SELECT segment, version, block, NULL AS hour, NULL AS requests, ${moments} FROM cut GROUP BY ALL
    UNION ALL SELECT segment, version, NULL, hour, sum(requests), ${moments} FROM timed GROUP BY ALL
    ORDER BY segment, version, block`);
  const blocks = found.filter((row) => row.block !== null);
  const hours = found.filter((row) => row.hour !== null);
  const firsts = blocks.filter((row) => Number(row.block) === 1);
  return firsts.map(({ segment, version }) => {
    const own = blocks.filter((b) => b.segment === segment && b.version === version);
    const ownHours = hours.filter((h) => h.segment === segment && h.version === version);
    const ofMetrics = metrics.map((metric) => {
      const paired = pairedMoments(
        own.map((row) => momentsFrom(row, `m_${metric}`)),
        ownHours.map((row) => ({
          hour: Number(row.hour),
          requests: Number(row.requests),
          differences: momentsFrom(row, `m_${metric}`),
        })),
      );
      return [metric, paired] as const;
    });
    return {
      segment: segment as string | null,
      pairs: {
        version: version as string,
        metrics: Object.fromEntries(ofMetrics.map(([metric, { moments }]) => [metric, moments])),
        inflation: Object.fromEntries(ofMetrics.map(([metric, { inflation }]) => [metric, inflation])),
      },
    };
  });
}

import { featurePrefix } from '../../lifecycle/feedback/index.ts';
import { sqlName } from '../../platform/frames/index.ts';
import type { RolloutMetric } from '../contract.ts';
import { blockCount } from './inflation.ts';
import type { PairedMoments } from './observation.ts';
import type { RolloutLog } from './observe.ts';
import { pairedMoments } from './paired-moments.ts';
import { momentsFrom, momentsSql } from './sql-moments.ts';

/** Pairs of one version, of all requests or of those with one value of a feature. */
interface SegmentPairs {
  /** The value of the feature; null: all pairs, or the feature was missing. */
  readonly segment: string | null;
  readonly pairs: PairedMoments;
}

const hourMs = 3_600_000;

/**
 * SQL of the requests that the champion answered beside their copies, one row for each: version (the shadow's), own_…
 * (the shadow's) and other_… (the champion's) score, latency_us and is_ok, `d_<metric>` (shadow minus champion), unit,
 * prediction_id, event_time_ms, propensity, and the features.
 *
 * @param rows SQL of the rollout's rows, with `unit` and a column `m_<metric>` for each metric
 */
export function pairsSql(
  rows: string,
  metrics: readonly RolloutMetric[],
  features: readonly string[],
): string {
  const differences = metrics.map((m) => `, s.m_${m} - c.m_${m} AS d_${m}`).join('');
  const columns = features.map((name) => `, s.${sqlName(`${featurePrefix}${name}`)}`).join('');
  return `WITH all_rows AS (SELECT * FROM ${rows})
    SELECT s.model_version AS version, c.unit AS unit, c.prediction_id AS prediction_id,
      c.event_time_ms AS event_time_ms, c.propensity AS propensity, s.score AS own_score, c.score AS other_score,
      s.latency_us AS own_latency_us, c.latency_us AS other_latency_us, s.status = 'ok' AS own_is_ok,
      c.status = 'ok' AS other_is_ok${differences}${columns}
    FROM all_rows s JOIN all_rows c ON s.prediction_id = c.prediction_id AND s.arm = 'shadow' AND c.arm = 'champion'`;
}

/**
 * Shadow minus champion on the same requests, one value for each entity, at the time that it was first met. A pair
 * stands for as many requests as the champion's share says, so an hour's traffic is known however the split was then.
 *
 * @param pairs a relation as `pairsSql` makes it
 * @param segment SQL of the feature's column; null: all together
 */
export async function observePairs(
  log: RolloutLog,
  pairs: string,
  metrics: readonly RolloutMetric[],
  segment: string | null,
): Promise<readonly SegmentPairs[]> {
  const by = segment === null ? 'NULL::VARCHAR' : `${segment}::VARCHAR`;
  const differences = metrics.map((m) => `avg(d_${m}) AS m_${m}`).join(', ');
  const isKnown = metrics.map((m) => `m_${m} IS NOT NULL`).join(' OR ');
  const moments = metrics.map((m) => momentsSql(`m_${m}`)).join(', ');
  const found = await log.query(`WITH
    units AS MATERIALIZED (SELECT ${by} AS segment, version, unit, min(event_time_ms) AS met_ms,
        min(1 / propensity) AS requests, ${differences}
      FROM ${pairs} GROUP BY ALL),
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

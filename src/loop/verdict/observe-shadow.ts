import { featurePrefix } from '../../lifecycle/feedback/index.ts';
import { sqlName } from '../../platform/frames/index.ts';
import type { ShadowComparison } from '../contract.ts';
import { bandAlpha, latencyBands } from './latency-bands.ts';
import { segmentValues } from './observation.ts';
import type { RolloutLog } from './observe.ts';
import { withTable } from './with-table.ts';

/** Segments smaller than this are not shown. */
const fewestShown = 50;

/**
 * What copies of the traffic say: how far the scores are apart, how often the decision is the same, and how scores and
 * latency differ beside what two random halves of the champion's own answers differ by, over all and by segment.
 *
 * @param pairs a relation as `pairsSql` makes it
 */
export async function compareShadow(
  log: RolloutLog,
  pairs: string,
  threshold: number,
  features: readonly string[],
): Promise<readonly ShadowComparison[]> {
  const all = await compared(log, pairs, threshold, null);
  const parts: ShadowComparison[] = [];
  for (const feature of features) {
    const found = await compared(log, pairs, threshold, feature);
    parts.push(...found.filter((c) => c.pairs >= fewestShown).slice(0, segmentValues));
  }
  return [...all, ...parts];
}

async function compared(
  log: RolloutLog,
  pairs: string,
  threshold: number,
  feature: string | null,
): Promise<readonly ShadowComparison[]> {
  const by = feature === null ? 'NULL::VARCHAR' : `${sqlName(`${featurePrefix}${feature}`)}::VARCHAR`;
  const limit = Number(threshold);
  // One pair for each entity, its first: who asks often counts once.
  const firsts = `SELECT ${by} AS segment, own_score AS own, other_score AS other, own_latency_us / 1000 AS own_ms,
      other_latency_us / 1000 AS other_ms, hash(prediction_id) % 2 = 0 AS half
    FROM ${pairs}
    WHERE own_is_ok AND other_is_ok AND isfinite(own_score) AND isfinite(other_score)
      AND ${feature === null ? 'true' : `${by} IS NOT NULL`}
    QUALIFY row_number() OVER (PARTITION BY unit ORDER BY event_time_ms, prediction_id) = 1`;
  return withTable(log, firsts, (table) => comparedFirsts(log, table, limit, feature));
}

/** @param firsts a relation with segment, own, other (scores), own_ms, other_ms (latencies), half */
async function comparedFirsts(
  log: RolloutLog,
  firsts: string,
  limit: number,
  feature: string | null,
): Promise<readonly ShadowComparison[]> {
  const summary = await log.query(`WITH
    marks AS (SELECT segment, own AS score, 1 AS own, 0 AS other, 0 AS half FROM ${firsts}
      UNION ALL SELECT segment, other, 0, 1, half::INTEGER FROM ${firsts}),
    sums AS (SELECT segment, sum(own) OVER upTo AS own, sum(other) OVER upTo AS other, sum(half) OVER upTo AS half
      FROM marks WINDOW upTo AS (PARTITION BY segment ORDER BY score)),
    sizes AS (SELECT segment, count(*) AS pairs, avg(abs(own - other)) AS distance,
        avg(((own >= ${limit}) = (other >= ${limit}))::INTEGER) AS agreement, count(*) FILTER (half) AS halves,
        quantile_cont(other_ms, 0.99) FILTER (half) AS half_p99, quantile_cont(other_ms, 0.99) FILTER (NOT half) AS rest_p99
      FROM ${firsts} GROUP BY segment),
    apart AS (SELECT sums.segment AS segment, max(abs(sums.own - sums.other)) AS shift,
        max(abs(sums.half / halves - (sums.other - sums.half) / (pairs - halves))) AS noise
      FROM sums JOIN sizes ON sizes.segment IS NOT DISTINCT FROM sums.segment GROUP BY sums.segment)
    SELECT sizes.*, shift / pairs AS shift, noise FROM sizes
    JOIN apart ON apart.segment IS NOT DISTINCT FROM sizes.segment ORDER BY pairs DESC, sizes.segment`);
  const bands = await latencyBands(
    log,
    `(SELECT concat('own/', segment) AS grp, own_ms AS ms, count(*) AS n FROM ${firsts} GROUP BY ALL
      UNION ALL SELECT concat('other/', segment), other_ms, count(*) FROM ${firsts} GROUP BY ALL)`,
    summary.flatMap((row) =>
      ['own', 'other'].map((who) => ({
        name: `${who}/${row.segment ?? ''}`,
        n: Number(row.pairs),
        alpha: bandAlpha,
      })),
    ),
  );
  return summary.map((row): ShadowComparison => {
    const segment = row.segment as string | null;
    const [half, rest] = [numberOf(row.half_p99), numberOf(row.rest_p99)];
    const [own, other] = [bands.get(`own/${segment ?? ''}`), bands.get(`other/${segment ?? ''}`)];
    return {
      segment: feature === null ? null : { feature, value: segment ?? '' },
      pairs: Number(row.pairs),
      meanDistance: numberOf(row.distance),
      agreement: numberOf(row.agreement),
      scoreShift: numberOf(row.shift),
      scoreNoise: numberOf(row.noise),
      latencyP99Ms: own?.value ?? null,
      championLatencyP99Ms: other?.value ?? null,
      latencyNoiseRatio: half && rest ? Math.max(half / rest, rest / half) : null,
      latencyLowMs: own?.low ?? null,
      championLatencyHighMs: other?.high ?? null,
    };
  });
}

function numberOf(value: unknown): number | null {
  return value === null || value === undefined ? null : Number(value);
}
